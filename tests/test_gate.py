"""The gate: what fails, what is refused, and how rarely chance makes it fail."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import CellPair
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.gate import Gate, judge
from bench.analysis.comparison.run_comparison import Comparison, compare
from bench.analysis.intervals import chance_below, unpaired_ratio
from bench.analysis.multiple_comparisons import holm
from bench.core.errors import UsageError
from bench.core.record import Cell, Record, Status
from bench.core.setting import Setting
from bench.report.comparison.comparison_data import to_json
from bench.report.comparison.comparison_forms import to_markdown
from bench.report.comparison.comparison_lines import gate_lines, gate_verdict
from tests.simulation import Floats, Noise, by_block, throughputs
from tests.test_compare import (
    MACHINE,
    both,
    broken,
    cell,
    disturbed,
    results_of,
    versioned,
)

SLOW = {
    "a": (100, 101, 102),
    "b": (89, 90, 91),  # surely slower, and by more than 5 %
    "c": (98.4, 98.5, 98.6),  # surely slower, but by less
    "d": (60, 100, 140),  # cannot be decided
    "e": (200, 201, 202),
    "f": (95, 96, 97),  # surely slower, but perhaps by more
}
BASE = [record for name in SLOW for record in cell(name, 100, 101, 102)]
OTHER = [record for name, paces in SLOW.items() for record in cell(name, *paces)]


def gate(
    a: Sequence[Record], b: Sequence[Record], *, limit: float = 0.05, allowed: Collection[str] = ()
) -> Gate:
    return judge(both(a, b), limit=limit, allowed=allowed)


def outcomes(judged: Gate) -> dict[str, str]:
    return {judgement.pair.cell.framework: judgement.outcome for judgement in judged.judgements}


def test_a_cell_fails_if_it_is_surely_slower_than_allowed() -> None:
    judged = gate(BASE, OTHER)
    assert outcomes(judged) == {
        "a": "holds",
        "b": "fails",
        "c": "slower",
        "d": "not sure",
        "e": "holds",
        "f": "not sure",
    }
    assert judged.outcome == "failed"
    assert [judgement.why for judgement in judged.of("fails")] == ["surely slower by more than 5%"]
    assert outcomes(gate(BASE, OTHER, limit=0.01))["f"] == "fails"


def test_a_gate_passes_only_if_every_cell_surely_holds() -> None:
    open_yet = gate(BASE, OTHER, limit=0.2)
    assert open_yet.outcome == "undecided"
    assert [judged.pair.cell.framework for judged in open_yet.of("not sure")] == ["d"]
    assert "UNDECIDED; 1 of 6 cells can't be told apart yet (about" in gate_verdict(open_yet)
    shown = gate(BASE, BASE)
    assert shown.outcome == "passed"
    assert "passed: none of 6 cells is slower by more than that (" in gate_verdict(shown)


def test_the_verdict_on_a_single_cell_counts_one_cell() -> None:
    same, other = cell("a", 100, 101, 102), cell("a", 80, 81, 82)
    passed, failed, undecided = (
        gate_verdict(gate(same, new, limit=limit))
        for new, limit in ((same, 0.05), (other, 0.05), (other, 0.21))
    )
    assert "passed: the only cell is not slower by more than that (" in passed
    assert "FAILED: 1 of 1 cell (" in failed
    assert "UNDECIDED; 1 of 1 cell can't be told apart yet (" in undecided


@pytest.mark.parametrize("paces", [(90, 95, 99), (90, 93, 96), (96, 97, 98)])
def test_so_many_more_blocks_would_decide(paces: tuple[float, ...]) -> None:
    """If both runs go on as they are: every block comes once more, with the same spread."""
    (judged,) = gate(cell("a", 100, 101, 102), cell("a", *paces)).judgements
    assert judged.outcome == "not sure" and judged.more_blocks

    def decided(blocks: int) -> bool:
        old, new = ([math.log(pace) for pace in side] for side in ((100, 101, 102), paces))
        shares = [np.var(side, ddof=1) / (3 + blocks) for side in (old, new)]
        freedom = sum(shares) ** 2 / sum(share**2 / (2 + blocks) for share in shares)
        margin = t.ppf(0.975, freedom) * math.sqrt(sum(shares))
        return abs(np.mean(new) - np.mean(old) - math.log(0.95)) > margin

    assert decided(judged.more_blocks) and not decided(judged.more_blocks - 1)


def test_no_number_of_blocks_is_promised_at_the_limit_itself() -> None:
    judged = gate(cell("a", 100, 101, 102), cell("a", 95, 96, 97))
    assert judged.outcome == "undecided" and judged.more_blocks is None
    ((_, line),) = gate_lines(judged)
    assert "to decide it takes more than can be counted on" in line


def test_a_run_that_others_disturbed_is_refused_unless_that_is_allowed() -> None:
    quiet = cell("a", 99, 100, 101)
    busy = [disturbed(record) for record in quiet]
    for a, b, name in ((quiet, busy, "B"), (busy, quiet, "A")):
        with pytest.raises(UsageError, match=f"{name} was disturbed: 100.0% of"):
            gate(a, b, limit=0.2)
        assert gate(a, b, limit=0.2, allowed=["contention"]).outcome == "passed"


def test_the_end_of_the_interval_decides_for_a_single_cell() -> None:
    """One cell needs no correction, and its test has one side: the interval's end decides."""
    for pace in np.linspace(85, 95, 21):
        (judged,) = gate(cell("a", 99, 101, 100), cell("a", pace - 1, pace + 1, pace)).judgements
        ratio = judged.pair.ratio
        assert ratio and (judged.outcome == "fails") == (ratio.high < 0.95)


def test_more_cells_need_more_evidence() -> None:
    """A cell fails alone, but not among twenty: some would look as slow by chance."""
    slow = cell("a", 91.5, 93, 92), cell("a", 99, 101, 100)
    alone = gate(slow[1], slow[0])
    assert outcomes(alone) == {"a": "fails"}
    others = [record for n in range(19) for record in cell(f"x{n}", 99, 101, 100)]
    among = gate([*others, *slow[1]], [*others, *slow[0]])
    assert outcomes(among)["a"] == "not sure"
    (line,) = (line for outcome, line in gate_lines(among) if outcome == "not sure")
    assert "but not after Holm's correction: of 20 cells that are tested, some look so" in line
    assert "Holm" in line and not any(
        "Holm" in judgement.why for judgement in gate(BASE, OTHER).judgements
    )


def test_unchecked_cells_are_summed_up_and_json_lists_all() -> None:
    fine, once = (
        cell("a", 100, 101),
        [record for name in "bcdef" for record in cell(name, 100)],
    )
    comparison = both([*fine, *once], [*fine, *once])
    judged = judge(comparison, limit=0.2)
    assert judged.outcome == "undecided"
    (line,) = (line for outcome, line in gate_lines(judged) if outcome == "not checked")
    assert line == (
        "not checked: a single repeat does not show how much the pace varies (5 cells): "
        "b mnist-mlp eager cpu 2 threads; c mnist-mlp eager cpu 2 threads; "
        "d mnist-mlp eager cpu 2 threads; and 2 more (--json lists all)"
    )
    assert line in to_markdown(comparison, judged)
    judgements = json.loads(to_json(comparison, judged))["gate"]["judgements"]
    assert [
        judgement["cell"][0] for judgement in judgements if judgement["outcome"] == "not checked"
    ] == [*"bcdef"]
    assert all(
        judgement["why"] for judgement in judgements if judgement["outcome"] == "not checked"
    )


def test_a_newly_broken_cell_fails_and_one_broken_before_does_not() -> None:
    good, bad = cell("a", 100, 101), [broken(record) for record in cell("a", 100, 101)]
    fine = cell("b", 100, 101)
    judged = gate([*good, *fine], [*bad, *fine])
    assert [judgement.why for judgement in judged.of("fails")] == ["ok in A, crashed in B: killed"]
    for a, b in ((bad, good), (bad, bad)):
        judged = gate([*a, *fine], [*b, *fine], limit=0.2)
        assert (judged.outcome, outcomes(judged)["a"]) == ("undecided", "not checked")
    assert gate(good, bad).outcome == "failed"  # even where nothing else can be tested


def test_a_missing_cell_fails_unless_that_is_allowed() -> None:
    a, b = cell("a", 100, 101), cell("b", 100, 101)
    judged = gate([*a, *b], b)
    assert [(judgement.pair.cell.framework, judgement.why) for judgement in judged.of("fails")] == [
        ("a", "missing in B")
    ]
    for allowed in ("missing", "all"):
        left_out = gate([*a, *b], b, allowed=[allowed])
        assert (left_out.outcome, outcomes(left_out)["a"]) == ("passed", "left out")
    new = gate(b, [*a, *b])
    assert (new.outcome, outcomes(new)["a"]) == ("passed", "new")
    gone = [broken(record) for record in a]
    assert gate([*gone, *b], b).outcome == "undecided"  # it was broken already


def test_a_gate_that_could_not_fail_is_refused() -> None:
    once = cell("a", 100)
    for a, b in ((once, once), (cell("a", 100, 101), once), (cell("a", 1), cell("b", 1))):
        with pytest.raises(UsageError, match="cannot test any cell"):
            gate(a, b, allowed=["missing"])
    single = gate([*once, *cell("b", 100, 101)], [*cell("a", 10), *cell("b", 100, 101)])
    assert (single.outcome, outcomes(single)["a"]) == ("undecided", "not checked")
    run = results_of(BASE)
    with pytest.raises(UsageError, match="A and B are the same run, r: nothing can fail"):
        judge(compare(run, run), limit=0.05)


@pytest.mark.parametrize("limit", [-0.01, 1, 5])
def test_an_impossible_limit_is_refused(limit: float) -> None:
    with pytest.raises(UsageError, match="--fail-on must be at least 0% and below 100%"):
        gate(BASE, OTHER, limit=limit)


def test_differences_are_refused_unless_allowed() -> None:
    other = {"machine": {**MACHINE, "cpu": "Y"}}
    comparison = compare(
        results_of(versioned(), name="a"),
        results_of(versioned(versions="2.13.0"), name="b", **other),
    )
    message = (
        "--fail-on: A and B differ in more than pace: machine: processor X → Y; versions: torch "
        "2.12.0 → 2.13.0 (allow: --allow machine --allow versions)"
    )
    with pytest.raises(UsageError) as refused:
        judge(comparison, limit=0.2)
    assert str(refused.value) == message
    with pytest.raises(UsageError, match=r"\(allow: --allow versions\)"):
        judge(comparison, limit=0.2, allowed=["machine"])
    for allowed in (["machine", "versions"], ["all"]):
        assert judge(comparison, limit=0.2, allowed=allowed).outcome == "passed"
    with pytest.raises(UsageError, match="--allow 'cpu' is unknown"):
        judge(comparison, limit=0.2, allowed=["cpu"])


def test_the_p_value_is_that_of_welch_s_one_sided_test() -> None:
    new, old = [90.0, 95, 91, 99], [100.0, 103, 98]
    shifted = ttest_ind(
        np.log(new), np.log(old) + np.log(0.95), equal_var=False, alternative="less"
    )
    assert chance_below(new, old, 0.95) == pytest.approx(shifted.pvalue)
    assert chance_below(new, [100], 0.95) is None
    assert [chance_below([1, 1], [2, 2], bound) for bound in (0.4, 0.6)] == [1, 0]


@pytest.mark.parametrize(
    ("chances", "held"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.051], [False]),
        # 0.05 / 4, / 3, / 2: the third does not hold, and so the fourth, which would, does not
        ([0.016, 0.01, 0.03, 0.04], [True, True, False, False]),
        ([0.02, 0.02], [True, True]),
        ([0.03, 0.03], [False, False]),
    ],
)
def test_holm_s_correction(chances: list[float], held: list[bool]) -> None:
    assert holm(chances, 0.05) == held


CELLS = 12
REPEATS = 5


def summary(framework: str, values: Floats) -> CellSummary:
    status: Status = "ok"
    return CellSummary(
        cell=Cell(framework=framework, task="mnist-mlp", mode="eager", setting=Setting()),
        status=status,
        reason="",
        repeats=REPEATS,
        data="real",
        throughputs=by_block(values),
    )


def simulated(paces: Sequence[float], *, runs: int, noise: Noise) -> list[Comparison]:
    """Pairs of runs, with all cells at pace 1 in the first, and at `paces` in the second."""
    rng = np.random.default_rng(0)
    sides = [
        throughputs(noise, paces=truth, blocks=REPEATS, runs=runs, rng=rng)
        for truth in ([1.0] * CELLS, paces)
    ]
    run_a, run_b = (ComparedRun.of(results_of([], name=name)) for name in "ab")
    comparisons = []
    for old, new in zip(*sides, strict=True):
        pairs = []
        for name, before, after in zip("abcdefghijkl", old, new, strict=True):
            a, b = summary(name, before), summary(name, after)
            ratio = unpaired_ratio(after.tolist(), before.tolist())
            pairs.append(CellPair(a=a, b=b, verdict="tied", ratio=ratio))
        comparisons.append(
            Comparison(a=run_a, b=run_b, pairs=tuple(pairs), differences=(), remarks=())
        )
    return comparisons


def failures(comparisons: Sequence[Comparison], limit: float) -> float:
    """The share of gates that fail."""
    gates = [judge(comparison, limit=limit) for comparison in comparisons]
    return sum(gate.outcome == "failed" for gate in gates) / len(gates)


NOISES = {
    "2 %": Noise(process=0.02),
    "heavy tails": Noise(tails="t5"),
    "blocks of 5 %": Noise(process=0.01, block=0.05),  # moves all cells of a run together
}


@pytest.mark.frameworks
@pytest.mark.parametrize("noise", NOISES)
def test_equal_cells_seldom_fail(noise: str) -> None:
    """A limit of 0 is the worst case, as every cell is at the edge of failing."""
    equal = simulated([1.0] * CELLS, runs=1000, noise=NOISES[noise])
    assert failures(equal, 0.0) < 0.07  # 5 %, and three standard errors
    assert failures(equal, 0.05) < 0.005


def test_a_slow_cell_is_nearly_always_found() -> None:
    one_slow = simulated([0.85, *[1.0] * (CELLS - 1)], runs=300, noise=Noise(process=0.02))
    assert failures(one_slow, 0.05) > 0.95
    gates = [judge(comparison, limit=0.05).judgements for comparison in one_slow]
    assert not any(judged.outcome == "fails" for every in gates for judged in every[1:])


def test_a_gate_on_records_agrees_with_a_gate_on_their_paces() -> None:
    """The simulations above skip the records."""
    rng = np.random.default_rng(1)
    drawn = throughputs(Noise(), paces=[1, 0.8], blocks=REPEATS, runs=1, rng=rng)[0]
    old, new = (cell("a", *(values * 1000).tolist()) for values in drawn)
    (judged,) = gate(old, new).judgements
    expected = unpaired_ratio(drawn[1].tolist(), drawn[0].tolist())
    assert judged.outcome == "fails" and judged.pair.ratio
    assert judged.pair.ratio.high == pytest.approx(expected.high)
    assert replace(judged.pair, ratio=None).verdict == "slower"
