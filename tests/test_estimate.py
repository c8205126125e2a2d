"""Intervals, tests and ranks: their properties, and how often they are right in simulated runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from bench.analysis.intervals import (
    CONFIDENCE,
    Interval,
    PairTest,
    geometric_mean,
    paired_test,
    ratio,
)
from bench.analysis.multiple_comparisons import MultipleComparison
from tests.simulation import Noise, Order, by_block, throughputs

SEEDS = range(5)
BLOCKS = [2, 3, 5, 10, 20]


def two_cells(seed: int, blocks: int = 5) -> tuple[dict[int, float], dict[int, float]]:
    rng = np.random.default_rng(seed)
    (run,) = throughputs(Noise(), paces=[1000, 950], blocks=blocks, runs=1, rng=rng)
    return by_block(run[0]), by_block(run[1])


def close(interval: Interval | None, estimate: float, low: float, high: float) -> None:
    assert interval
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((estimate, low, high))


@pytest.mark.parametrize("blocks", BLOCKS)
def test_the_interval_is_that_of_student_s_test_on_logarithms(blocks: int) -> None:
    first, second = two_cells(0, blocks)
    logs = [math.log(first[at] / second[at]) for at in range(blocks)]
    ends = ttest_1samp(logs, 0).confidence_interval(CONFIDENCE)
    close(ratio(first, second), *np.exp([np.mean(logs), ends.low, ends.high]))


@pytest.mark.parametrize("seed", SEEDS)
def test_swapping_cells_inverts_the_ratio(seed: int) -> None:
    first, second = two_cells(seed)
    interval = ratio(first, second)
    assert interval
    close(ratio(second, first), 1 / interval.estimate, 1 / interval.high, 1 / interval.low)


@pytest.mark.parametrize("seed", SEEDS)
def test_slowing_whole_blocks_changes_no_ratio(seed: int) -> None:
    first, second = two_cells(seed)
    interval = ratio(first, second)
    assert interval
    slow = {0: 1.0, 1: 0.9, 2: 0.5, 3: 0.1, 4: 0.01}
    drifted = ratio(*({at: cell[at] * slow[at] for at in slow} for cell in (first, second)))
    close(drifted, interval.estimate, interval.low, interval.high)


def test_a_cell_against_itself_is_exactly_1() -> None:
    first, _ = two_cells(0)
    assert ratio(first, first) == Interval(estimate=1, low=1, high=1)


def test_a_block_that_the_other_cell_lacks_is_left_out() -> None:
    first, second = {0: 200.0, 1: 300.0, 2: 1.0}, {3: 1e9, 1: 100.0, 0: 100.0}
    assert ratio(first, second) == ratio({0: 200.0, 1: 300.0}, {0: 100.0, 1: 100.0})
    assert ratio({0: 1.0}, {1: 1.0}) is None
    assert ratio({}, {}) is None


def test_a_single_pair_has_no_known_interval() -> None:
    interval = ratio({0: 200.0}, {0: 100.0})
    close(interval, 2, 0, math.inf)
    assert interval and not interval.known and interval.includes(1)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, 0.0], [-1.0], [math.inf, 1.0]])
def test_an_invalid_throughput_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="positive, finite values"):
        geometric_mean(values)


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_p_value_is_below_5_percent_where_the_interval_excludes_1(seed: int, blocks: int) -> None:
    first, second = two_cells(seed, blocks)
    interval, test = ratio(first, second), paired_test(first, second)
    logs = [math.log(first[at] / second[at]) for at in range(blocks)]
    assert interval and test
    assert test == pytest.approx((interval.estimate, ttest_1samp(logs, 0).pvalue))
    assert (test.p_value < 1 - CONFIDENCE) != interval.includes(1)


def test_a_pair_that_never_varies_is_equal_or_surely_not() -> None:
    first = {0: 2.0, 1: 2.0}
    assert paired_test(first, first) == PairTest(1, 1)
    assert paired_test(first, {0: 1.0, 1: 1.0}) == pytest.approx((2, 0))
    assert paired_test(first, {1: 1.0}) is None


FASTER = PairTest(1.2, 1e-9)
SLOWER = PairTest(1 / 1.2, 1e-9)
TIED = PairTest(1, 0.5)

# Of each case: the cells; the pairs whose first cell is surely faster; pairs that cannot be
# compared; the ranks.
RANKS = {
    "one cell": ("a", "", "", ["1"]),
    "a strict order": ("abc", "ab ac bc", "", ["1", "2", "3"]),
    "a tie in the middle": ("abcd", "ab ac ad bd cd", "", ["1", "2-3", "2-3", "4"]),
    "all tied": ("abc", "", "", ["1-3", "1-3", "1-3"]),
    "ties that do not carry over": ("abc", "ac", "", ["1-2", "1-3", "2-3"]),
    "a chain of ties": ("abcd", "ac ad bd", "", ["1-2", "1-3", "2-4", "3-4"]),
    "faster through a cell between": ("abc", "ab bc", "", ["1", "2", "3"]),
    "one that varies too much to tell": ("abc", "ab", "", ["1-2", "2-3", "1-3"]),
    "two not compared": ("abc", "ac bc", "ab", ["", "", "3"]),
    "one of a single repeat": ("abc", "ab", "ac bc", ["", "", ""]),
}


@pytest.mark.parametrize("case", RANKS)
def test_ranks(case: str) -> None:
    cells, faster, unknown, expected = RANKS[case]

    def between(i: str, j: str) -> PairTest | None:
        if i + j in unknown.split() or j + i in unknown.split():
            return None
        return FASTER if i + j in faster.split() else SLOWER if j + i in faster.split() else TIED

    def ranks(order: Sequence[str]) -> list[str]:
        return MultipleComparison.of(len(order), lambda i, j: between(order[i], order[j])).ranks()

    for order in permutations(cells):
        assert dict(zip(order, ranks(order), strict=True)) == dict(
            zip(cells, expected, strict=True)
        )


def compared(cells: Sequence[dict[int, float]]) -> MultipleComparison:
    return MultipleComparison.of(len(cells), lambda i, j: paired_test(cells[i], cells[j]))


def test_a_cell_that_varies_much_may_have_many_ranks() -> None:
    """Too much noise ties it with all, also with those that measured much faster or slower."""
    cells = [[100, 100.1, 100.2], [80, 80.1, 80.2], [70, 70.1, 70.1], [20, 60, 150], [9, 9, 9]]
    by_blocks = [dict(enumerate(cell)) for cell in cells]
    assert compared(by_blocks).ranks() == ["1-2", "2-3", "3-4", "1-5", "4-5"]
    assert compared(by_blocks[::-1]).ranks() == ["4-5", "1-5", "3-4", "2-3", "1-2"]


def test_cells_without_a_shared_block_have_no_rank() -> None:
    assert compared([{0: 1.0, 1: 1.0}, {2: 1.0, 3: 1.0}]).ranks() == ["", ""]


def test_each_pair_is_tested_in_the_blocks_that_it_shares() -> None:
    paces = {0: 100.0, 1: 101.0, 2: 102.0, 3: 103.0}
    half = {block: pace / 2 for block, pace in paces.items() if block > 0}
    tenth = {block: pace / 10 for block, pace in paces.items() if block < 3}
    assert compared([paces, half, tenth]).ranks() == ["1", "2", "3"]


def test_a_pair_alone_is_judged_by_its_own_interval_and_among_others_more_strictly() -> None:
    """Its p-value of 2 % is below 5 %, but above 5 % / 3."""
    unclear, tied = PairTest(1.1, 0.02), PairTest(1.05, 0.4)
    assert MultipleComparison.of(2, lambda i, j: unclear).ranks() == ["1", "2"]
    three = MultipleComparison.of(3, lambda i, j: unclear if (i, j) == (0, 2) else tied)
    assert three.ranks() == ["1-3", "1-3", "1-3"]
    assert three.tied(0, 2) and three.tied(2, 0) and not three.faster(0, 2)


# A share of 95 % then has a standard error of 0.35 %.
RUNS = 4000
NOISES = {
    "normal": Noise(process=0.01),
    "heavy tails": Noise(tails="t5"),
    "uneven blocks": Noise(block=0.1),
}


@pytest.mark.parametrize("blocks", [3, 5])
@pytest.mark.parametrize("noise", NOISES)
def test_95_of_100_intervals_contain_the_true_value(noise: str, blocks: int) -> None:
    rng = np.random.default_rng(blocks)
    drawn = throughputs(NOISES[noise], paces=[1000, 770], blocks=blocks, runs=RUNS, rng=rng)
    intervals = [ratio(by_block(first), by_block(second)) for first, second in drawn]
    share = sum(interval.includes(1000 / 770) for interval in intervals if interval) / RUNS
    assert share == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("blocks", [3, 5])
@pytest.mark.parametrize("unequal", [(1, 1, 1, 1, 1), (5, 1, 1, 1, 1), (5, 5, 1, 1, 1)], ids=str)
def test_of_equal_cells_95_of_100_tables_call_none_different(
    unequal: tuple[float, ...], blocks: int
) -> None:
    """Each pair by itself at 95 % would call some pair different in three tables of ten."""
    rng = np.random.default_rng(blocks)
    noise = Noise(windows=0.0, unequal=unequal)
    drawn = throughputs(noise, paces=[1] * 5, blocks=blocks, runs=RUNS // 4, rng=rng)
    tables = [compared([by_block(cell) for cell in run]) for run in drawn]
    assert sum(bool(table.different) for table in tables) / len(tables) < 0.05 + 0.015


def verdicts(
    noise: Noise, *, pace: float, blocks: int, order: Order = "anywhere"
) -> dict[str, float]:
    """The share of runs with each verdict on a cell of that pace, against one of pace 1."""
    rng = np.random.default_rng(0)
    paces = [1, pace, 1, 1]
    drawn = throughputs(noise, paces=paces, blocks=blocks, runs=RUNS, rng=rng, order=order)
    intervals = [ratio(by_block(run[0]), by_block(run[1])) for run in drawn]
    shares = {
        "tied": sum(interval.includes(1) for interval in intervals if interval),
        "slower": sum(interval.low > 1 for interval in intervals if interval),
        "faster": sum(interval.high < 1 for interval in intervals if interval),
    }
    return {name: count / RUNS for name, count in shares.items()}


def test_five_blocks_on_a_quiet_machine_detect_a_slowdown_of_5_percent() -> None:
    shares = verdicts(Noise(process=0.01, windows=0.03), pace=0.95, blocks=5)
    assert shares["slower"] > 0.95 and shares["faster"] == 0


def test_drift_creates_no_false_differences() -> None:
    noise = Noise(process=0.01, drift=0.2)
    assert verdicts(noise, pace=1, blocks=5)["tied"] > 0.95 - 0.015


def test_drift_hides_no_slowdown_between_adjacent_cells() -> None:
    still, drifting = (Noise(process=0.01, drift=drift) for drift in (0, 0.2))
    expected = verdicts(still, pace=0.95, blocks=5)
    shares = verdicts(drifting, pace=0.95, blocks=5, order="beside")
    assert shares == pytest.approx(expected, abs=0.01)
    assert shares["faster"] == 0
