"""Whether the statistics are right, on simulated runs whose true ratios are known.

    python -m tests.benchmarks.verdicts

prints how often intervals contain the true value, how often a cell is called different from itself,
how often a table of equal cells calls some of them different, how often a slowdown of 5 % is
detected, and how a drifting machine changes verdicts. It takes ten minutes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, norm, studentized_range, t
from tabulate import tabulate

from bench.analysis.intervals import CONFIDENCE, Interval, geometric_mean, paired_test, ratio
from bench.analysis.multiple_comparisons import MultipleComparison
from tests.simulation import Floats, Noise, Order, by_block, throughputs

Booleans = NDArray[np.bool_]

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

CELLS = (2, 3, 5, 7, 12)  # of a table
FEW = (3, 5)  # blocks


def unlike(cells: int, noisy: int) -> Noise:
    """Noise of which the first `noisy` cells have five times as much as the others."""
    return Noise(unequal=[5] * noisy + [1] * (cells - noisy))


# Noise of a table, by its number of cells.
TABLES: dict[str, Callable[[int], Noise]] = {
    "normal, 2 %": lambda cells: Noise(),
    "Student's t (5), 2 %": lambda cells: Noise(tails="t5"),
    "neighbour, 2 %": lambda cells: Noise(tails="neighbour"),
    "one cell 10 %, others 2 %": lambda cells: unlike(cells, 1),
    "two cells 10 %, others 2 %": lambda cells: unlike(cells, 2),
    "half share 10 %, all 2 %": lambda cells: Noise(together=0.1),
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


def each_alone(drawn: Floats) -> Booleans:
    """Which pairs differ by their own intervals, (runs, pairs)."""
    means, own, _ = moments(drawn)
    blocks = drawn.shape[2]
    return means > t.ppf((1 + CONFIDENCE) / 2, blocks - 1) * np.sqrt(own / blocks)


def holm(drawn: Floats) -> Booleans:
    """Which pairs differ as a run's tables have it, (runs, pairs)."""
    cells = drawn.shape[1]

    def different(run: Floats) -> list[bool]:
        paces = [by_block(cell) for cell in run]
        table = MultipleComparison.of(cells, lambda i, j: paired_test(paces[i], paces[j]))
        return [pair in table.different for pair in combinations(range(cells), 2)]

    return np.array([different(run) for run in drawn])


def tukey(drawn: Floats) -> Booleans:
    """As Tukey's range has it, with the residual variance of randomized blocks."""
    means, _, pooled = moments(drawn)
    _, cells, blocks = drawn.shape
    quantile = studentized_range.ppf(CONFIDENCE, cells, (cells - 1) * (blocks - 1))
    return means > quantile * np.sqrt(pooled / blocks)[:, None]


def games_howell(drawn: Floats) -> Booleans:
    """As Tukey's range has it for the variance of each pair, which is not pooled."""
    means, own, _ = moments(drawn)
    _, cells, blocks = drawn.shape
    quantile = studentized_range.ppf(CONFIDENCE, cells, blocks - 1)
    return means > quantile * np.sqrt(own / 2 / blocks)


def moments(drawn: Floats) -> tuple[Floats, Floats, Floats]:
    """For each pair, the mean difference of logarithms and its variance, (runs, pairs); and the
    residual variance of all cells in randomized blocks, (runs,).
    """
    logs = np.log(drawn)
    first, second = np.array([*combinations(range(logs.shape[1]), 2)]).T
    differences = logs[:, first] - logs[:, second]
    residuals = logs - logs.mean(axis=1, keepdims=True)
    residuals -= residuals.mean(axis=2, keepdims=True)
    freedom = (logs.shape[1] - 1) * (logs.shape[2] - 1)
    return (
        np.abs(differences.mean(axis=-1)),
        differences.var(axis=-1, ddof=1),
        (residuals**2).sum(axis=(1, 2)) / freedom,
    )


METHODS = {
    "each pair alone": each_alone,
    "Holm": holm,
    "Tukey": tukey,
    "Games-Howell": games_howell,
}


def equal_cells(blocks: int) -> list[list[str]]:
    """For each noise and method, the share of tables that call some equal cells different."""
    rows = []
    for name, noise in TABLES.items():
        tables = [
            draw(noise(cells), *[1] * cells, blocks=blocks, seed=2, runs=RUNS // 2)
            for cells in CELLS
        ]
        for words, method in METHODS.items():
            rows.append([name, words, *(share(method(drawn).any(axis=1)) for drawn in tables)])
    return rows


def staircase(blocks: int) -> list[list[str]]:
    """For each noise and method, the share of pairs that are found, each cell 5 % slower than the
    one before it: all pairs / pairs of neighbours.
    """
    rows = []
    for name in ("normal, 1 %", "normal, 2 %", "one cell 10 %, others 2 %"):
        for words, method in METHODS.items():
            row = [name, words]
            for cells in CELLS:
                noise = MODELS[name] if name in MODELS else TABLES[name](cells)
                paces = [0.95**place for place in range(cells)]
                found = method(draw(noise, *paces, blocks=blocks, seed=6, runs=RUNS // 10))
                near = [j - i == 1 for i, j in combinations(range(cells), 2)]
                row.append(f"{found.mean():.0%} / {found[:, near].mean():.0%}")
            rows.append(row)
    return rows


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
    for blocks in FEW:
        show(
            f"Tables of equal cells, {blocks} blocks, in which some two are called different",
            ["noise between processes", "judged by", *(f"{n} cells" for n in CELLS)],
            equal_cells(blocks),
        )
    for blocks in FEW:
        show(
            f"Pairs found, {blocks} blocks, each cell 5 % slower than the last: all / neighbours",
            ["noise between processes", "judged by", *(f"{n} cells" for n in CELLS)],
            staircase(blocks),
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
