"""Whether the statistics are right, on simulated runs whose true ratios are known.

    python -m tests.benchmarks.verdicts

prints how often intervals contain the true value, how often a cell is called different from itself,
how often a slowdown of 5 % is detected, and how a drifting machine changes verdicts. It takes five
minutes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap, norm, t
from tabulate import tabulate

from bench.analysis.intervals import CONFIDENCE, Interval, geometric_mean, ratio
from tests.simulation import Floats, Noise, Order, by_block, throughputs

RUNS = 10_000  # standard error of a share of 95 %: 0.22 %
BLOCKS = (2, 3, 5, 10, 20)

MODELS = {
    "normal, 1 %": Noise(process=0.01),
    "normal, 2 %": Noise(process=0.02),
    "normal, 3 %": Noise(process=0.03),
    "Student's t (5), 2 %": Noise(tails="t5"),
    "neighbour, 1 %": Noise(process=0.01, tails="neighbour"),
    "neighbour, 2 %": Noise(tails="neighbour"),
    "neighbour, 3 %": Noise(process=0.03, tails="neighbour"),
    "normal, 2 %, blocks 10 %": Noise(block=0.1),
    "normal, 2 %, drift 20 %": Noise(drift=0.2),
}


def draw(
    noise: Noise,
    *paces: float,
    blocks: int,
    runs: int = RUNS,
    seed: int = 0,
    order: Order = "beside",
) -> Floats:
    """Throughputs (runs, cells, blocks): the same for the same noise and seed."""
    rng = np.random.default_rng([seed, blocks])
    return throughputs(noise, paces=paces, blocks=blocks, runs=runs, rng=rng, order=order)


def ratios(drawn: Floats) -> list[Interval]:
    """The ratios of the first cell to the second, one for each run."""
    intervals = [ratio(by_block(run[0]), by_block(run[1])) for run in drawn]
    return [interval for interval in intervals if interval]


def share(hits: Sequence[bool]) -> str:
    return f"{np.mean(hits):.1%}"


def coverage(blocks: int, noise: Noise) -> str:
    drawn = draw(noise, 1000, 770, blocks=blocks)
    return share([interval.includes(1000 / 770) for interval in ratios(drawn)])


def against_itself(blocks: int, noise: Noise) -> str:
    drawn = draw(noise, 1, 1, blocks=blocks, seed=1)
    return share([not interval.includes(1) for interval in ratios(drawn)])


def any_of_four(blocks: int, noise: Noise) -> str:
    drawn = draw(noise, 1, 1, 1, 1, blocks=blocks, seed=2, runs=RUNS // 5)
    pairs = [(i, j) for i in range(4) for j in range(i)]
    by_pair = [ratios(drawn[:, [i, j]]) for i, j in pairs]
    return share(
        [any(not interval.includes(1) for interval in run) for run in zip(*by_pair, strict=True)]
    )


def one_cell(blocks: int, noise: Noise) -> str:
    """Coverage for the throughput of a single cell.

    The true value is the geometric mean over very many processes. Drift is part of it: one half of
    the run is slower than its middle, and the other is faster.
    """
    forever = draw(noise, 1, blocks=100, runs=2000, seed=3)
    truth = math.exp(float(np.log(forever).mean()))
    intervals = [geometric_mean(run[0].tolist()) for run in draw(noise, 1, blocks=blocks)]
    return share([interval.includes(truth) for interval in intervals])


def resampled(blocks: int, method: str) -> str:
    """Coverage of a bootstrap of the mean log ratio, with normal noise of 2 %."""
    drawn = np.log(draw(MODELS["normal, 2 %"], 1, 1, blocks=blocks, runs=2000))
    level = CONFIDENCE
    if method == "expanded":  # Hesterberg (2015), section 5.3
        quantile = t.ppf((1 + CONFIDENCE) / 2, blocks - 1)
        level = 1 - 2 * norm.cdf(-quantile * math.sqrt(blocks / (blocks - 1)))
    interval = bootstrap(
        (drawn[:, 0] - drawn[:, 1],),
        np.mean,
        axis=-1,
        confidence_level=level,
        method="BCa" if method == "BCa" else "percentile",
        n_resamples=1999,
        batch=100,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return share((interval.low <= 0) & (interval.high >= 0))


def detection(blocks: int, noise: Noise) -> str:
    """How often a slowdown of 5 % is detected with the right sign / with the wrong sign."""
    intervals = ratios(draw(noise, 1, 0.95, blocks=blocks, seed=4))
    right = share([interval.low > 1 for interval in intervals])
    wrong = share([interval.high < 1 for interval in intervals])
    return f"{right} / {wrong}"


def verdict(interval: Interval) -> str:
    return "tied" if interval.includes(1) else "faster" if interval.low > 1 else "slower"


def drift(*, part: float, pace: float, order: Order) -> list[str]:
    """Verdicts on the first two of four cells in 5 blocks, and how many of them drift changes."""
    still, drifting = (
        ratios(
            draw(Noise(process=0.01, drift=amount), 1, pace, 1, 1, blocks=5, seed=5, order=order)[
                :, :2
            ]
        )
        for amount in (0, part)
    )
    outcomes = [verdict(interval) for interval in drifting]
    changed = [
        outcome != verdict(interval) for outcome, interval in zip(outcomes, still, strict=True)
    ]
    kinds = [
        share([outcome == kind for outcome in outcomes]) for kind in ("faster", "tied", "slower")
    ]
    return [f"{part:.0%}", f"{1 - pace:.0%}", order, *kinds, share(changed)]


def by_model(title: str, cell: Callable[[int, Noise], str], names: Sequence[str] = ()) -> None:
    rows = [[name, *(cell(n, MODELS[name]) for n in BLOCKS)] for name in names or MODELS]
    show(title, ["noise between processes", *(f"{n} blocks" for n in BLOCKS)], rows)


def show(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}\n\n{tabulate(rows, headers=headings, disable_numparse=True)}", flush=True)


def main() -> None:
    begun = time.monotonic()
    by_model("Intervals of a ratio that contain the true value, of 10,000", coverage)
    by_model("A cell called different from itself", against_itself)
    by_model(
        "Four equal cells, some two of which are called different", any_of_four, ["normal, 2 %"]
    )
    single = [name for name, noise in MODELS.items() if not noise.drift]
    by_model(
        "Intervals of a single cell's throughput that contain the true value", one_cell, single
    )
    show(
        "Bootstrap intervals of the same ratios, noise of 2 %: none reaches 95 % of 3 or 5 values",
        ["bootstrap", *(f"{n} blocks" for n in BLOCKS)],
        [
            [method, *(resampled(n, method) for n in BLOCKS)]
            for method in ("percentile", "BCa", "expanded")
        ],
    )
    show(
        "A slowdown of 5 % detected with the right sign / with the wrong sign",
        ["noise between processes", *(f"{n} blocks" for n in BLOCKS)],
        [
            [f"normal, {sd:.1%}", *(detection(n, Noise(process=sd)) for n in BLOCKS)]
            for sd in (0.005, 0.01, 0.015, 0.02, 0.03, 0.05)
        ],
    )
    show(
        "A machine that slows down over 5 blocks, noise of 1 %: verdicts on the faster cell",
        ["drift", "slowdown", "cells of a task", "faster", "tied", "slower", "changed by drift"],
        [
            drift(part=part, pace=pace, order=order)
            for pace in (1, 0.95)
            for order in ("anywhere", "beside", "in turn")
            for part in (0, 0.1, 0.2, 0.3)
        ],
    )
    print(f"\ntook {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
