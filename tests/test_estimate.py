"""Intervals and ranks: what they must obey, and that they hold what they claim."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from bench.analysis.intervals import CONFIDENCE, Interval, geometric_mean, ranks, ratio
from tests.simulation import Noise, Order, by_block, throughputs

SEEDS = range(5)
BLOCKS = [2, 3, 5, 10, 20]


def two_cells(seed: int, blocks: int = 5) -> tuple[dict[int, float], dict[int, float]]:
    rng = np.random.default_rng(seed)
    (run,) = throughputs(Noise(), paces=[1000, 950], blocks=blocks, runs=1, rng=rng)
    return by_block(run[0]), by_block(run[1])


def close(found: Interval | None, estimate: float, low: float, high: float) -> None:
    assert found
    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high))


@pytest.mark.parametrize("blocks", BLOCKS)
def test_the_interval_is_that_of_student_s_test_on_logarithms(blocks: int) -> None:
    first, second = two_cells(0, blocks)
    logs = [math.log(first[at] / second[at]) for at in range(blocks)]
    ends = ttest_1samp(logs, 0).confidence_interval(CONFIDENCE)
    close(ratio(first, second), *np.exp([np.mean(logs), ends.low, ends.high]))


@pytest.mark.parametrize("seed", SEEDS)
def test_swapping_cells_inverts_the_ratio(seed: int) -> None:
    first, second = two_cells(seed)
    found = ratio(first, second)
    assert found
    close(ratio(second, first), 1 / found.estimate, 1 / found.high, 1 / found.low)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_slows_a_whole_block_changes_nothing(seed: int) -> None:
    first, second = two_cells(seed)
    found = ratio(first, second)
    assert found
    slow = {0: 1.0, 1: 0.9, 2: 0.5, 3: 0.1, 4: 0.01}
    drifted = ratio(*({at: one[at] * slow[at] for at in slow} for one in (first, second)))
    close(drifted, found.estimate, found.low, found.high)


def test_a_cell_against_itself_is_exactly_1() -> None:
    first, _ = two_cells(0)
    assert ratio(first, first) == Interval(estimate=1, low=1, high=1)


def test_a_block_that_one_cell_has_alone_is_left_out() -> None:
    first, second = {0: 200.0, 1: 300.0, 2: 1.0}, {3: 1e9, 1: 100.0, 0: 100.0}
    assert ratio(first, second) == ratio({0: 200.0, 1: 300.0}, {0: 100.0, 1: 100.0})
    assert ratio({0: 1.0}, {1: 1.0}) is None
    assert ratio({}, {}) is None


def test_one_pair_tells_nothing_of_its_uncertainty() -> None:
    found = ratio({0: 200.0}, {0: 100.0})
    close(found, 2, 0, math.inf)
    assert found and not found.known and found.includes(1)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, 0.0], [-1.0], [math.inf, 1.0]])
def test_what_is_no_throughput_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="positive, finite values"):
        geometric_mean(values)


FASTER = Interval(estimate=1.2, low=1.1, high=1.3)
SLOWER = Interval(estimate=1 / 1.2, low=1 / 1.3, high=1 / 1.1)
TIED = Interval(estimate=1, low=0.9, high=1.1)
UNKNOWN = Interval(estimate=2, low=0, high=math.inf)

# The pairs of cells a, b, c, d of which the first is surely faster; pairs not compared; the ranks.
RANKS = {
    "one cell": ("a", "", "", ["1"]),
    "a strict order": ("abc", "ab ac bc", "", ["1", "2", "3"]),
    "a tie in the middle": ("abcd", "ab ac ad bd cd", "", ["1", "2=", "2=", "4"]),
    "all tied": ("abc", "", "", ["1=", "1=", "1="]),
    "ties that do not carry over": ("abc", "ac", "", ["1=", "1=", "2="]),
    "a chain of ties": ("abcd", "ac ad bd", "", ["1=", "1=", "2=", "3="]),
    "faster through a cell between": ("abc", "ab bc", "", ["1=", "2", "3="]),
    "one that varies too much to tell": ("abc", "ab", "", ["1=", "2=", "1="]),
    "two not compared": ("abc", "ac bc", "ab", ["", "", "3"]),
    "one of a single repeat": ("abc", "ab", "ac bc", ["", "", ""]),
}


@pytest.mark.parametrize("case", RANKS)
def test_ranks(case: str) -> None:
    cells, faster, unknown, expected = RANKS[case]

    def between(i: str, j: str) -> Interval | None:
        if i + j in unknown.split() or j + i in unknown.split():
            return UNKNOWN
        return FASTER if i + j in faster.split() else SLOWER if j + i in faster.split() else TIED

    for order in permutations(cells):
        found = ranks([[between(i, j) for j in order] for i in order])
        assert dict(zip(order, found, strict=True)) == dict(zip(cells, expected, strict=True))


def test_a_cell_that_varies_much_ranks_no_higher_than_one_that_measured_faster() -> None:
    """It is tied with all of them: by those that are surely faster alone, it would be "1="."""
    cells = [[100, 101, 102], [80, 80.5, 81], [70, 70.4, 71], [20, 60, 150], [9, 9.1, 9.2]]
    told = [dict(enumerate(cell)) for cell in cells]
    found = [[ratio(one, other) for other in told] for one in told]
    assert ranks(found) == ["1=", "2=", "3=", "3=", "4="]
    again = [[ratio(one, other) for other in told[::-1]] for one in told[::-1]]
    assert ranks(again) == ["4=", "3=", "3=", "2=", "1="]


def test_cells_without_a_shared_block_have_no_rank() -> None:
    assert ranks([[TIED, None], [None, TIED]]) == ["", ""]


# Of 4,000 runs: a standard error of 0.35 %.
RUNS = 4000
NOISES = {
    "normal": Noise(process=0.01),
    "heavy tails": Noise(tails="t5"),
    "uneven blocks": Noise(block=0.1),
}


@pytest.mark.parametrize("blocks", [3, 5])
@pytest.mark.parametrize("noise", NOISES)
def test_95_of_100_intervals_hold_the_truth(noise: str, blocks: int) -> None:
    rng = np.random.default_rng(blocks)
    drawn = throughputs(NOISES[noise], paces=[1000, 770], blocks=blocks, runs=RUNS, rng=rng)
    found = [ratio(by_block(first), by_block(second)) for first, second in drawn]
    held = sum(one.includes(1000 / 770) for one in found if one) / RUNS
    assert held == pytest.approx(0.95, abs=0.015)


def verdicts(
    noise: Noise, *, pace: float, blocks: int, order: Order = "anywhere"
) -> dict[str, float]:
    """The share of runs that call a second cell of that pace (the first has 1) so."""
    rng = np.random.default_rng(0)
    paces = [1, pace, 1, 1]
    drawn = throughputs(noise, paces=paces, blocks=blocks, runs=RUNS, rng=rng, order=order)
    found = [ratio(by_block(run[0]), by_block(run[1])) for run in drawn]
    shares = {
        "tied": sum(one.includes(1) for one in found if one),
        "slower": sum(one.low > 1 for one in found if one),
        "faster": sum(one.high < 1 for one in found if one),
    }
    return {name: count / RUNS for name, count in shares.items()}


def test_five_blocks_on_a_quiet_machine_find_a_slowdown_of_5_percent() -> None:
    found = verdicts(Noise(process=0.01, windows=0.03), pace=0.95, blocks=5)
    assert found["slower"] > 0.95 and found["faster"] == 0


def test_a_drifting_machine_makes_no_difference_where_there_is_none() -> None:
    noise = Noise(process=0.01, drift=0.2)
    assert verdicts(noise, pace=1, blocks=5)["tied"] > 0.95 - 0.015


def test_a_drifting_machine_hides_no_slowdown_of_cells_beside_each_other() -> None:
    still, drifting = (Noise(process=0.01, drift=drift) for drift in (0, 0.2))
    expected = verdicts(still, pace=0.95, blocks=5)
    found = verdicts(drifting, pace=0.95, blocks=5, order="beside")
    assert found == pytest.approx(expected, abs=0.01)
    assert found["faster"] == 0
