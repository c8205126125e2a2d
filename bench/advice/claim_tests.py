"""Tests of common claims: do the figures of a run support a claim?

A test depends only on the run. Its outcome is `held` where the figures support the claim beyond
chance, `did not hold` where they contradict it beyond chance, `mixed` where they do both, and
`undecided` otherwise.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.advice import facts, measured_figures, personas
from bench.advice.assessment import Assessment
from bench.advice.criteria import CRITERIA
from bench.advice.evidence import Evidence
from bench.advice.mode_leads import leads, surely_faster
from bench.advice.ranking import Ranking, rank_frameworks
from bench.analysis import final_metrics
from bench.analysis.cell_summary import CellSummary, conditions
from bench.analysis.intervals import CONFIDENCE, paired_test
from bench.analysis.multiple_comparisons import holm

ClaimOutcome = Literal["held", "did not hold", "mixed", "undecided"]
HELD: ClaimOutcome = "held"
DID_NOT_HOLD: ClaimOutcome = "did not hold"
MIXED: ClaimOutcome = "mixed"
OPEN: ClaimOutcome = "undecided"

NO_PAIRS = (
    "no cell was measured in both modes at least twice: measure with `--mode all --repeats 3`"
)


NO_LSTM = (
    "no task with LSTM layers was measured on the CPU at least twice in both: measure with "
    "`-t imdb-lstm --tuning default --tuning expert --repeats 3`"
)


@dataclass(frozen=True, kw_only=True)
class ClaimResult:
    """The outcome of a claim's test, and the figures that decide it, in words."""

    outcome: ClaimOutcome
    figures: str


@dataclass(frozen=True, kw_only=True)
class ModePair:
    """A compiled cell, with the ratio of its throughput to that of its eager twin.

    `different` is whether that surely differs from 1, judged for all pairs of the run together.
    """

    compiled: CellSummary
    gain: float
    different: bool


def _lead(ranking: Ranking, names: Collection[str]) -> ClaimOutcome:
    """Whether each of these frameworks is ahead of every other framework."""
    ranked = [standing for standing in ranking.standings if standing.rank]
    named = [standing for standing in ranked if standing.framework in names]
    others = [standing for standing in ranked if standing.framework not in names]
    if len(named) < len(names) or not others:
        return OPEN
    pairs = [(candidate, other) for candidate in named for other in others]
    certain = [pair for pair in pairs if pair[1].framework not in pair[0].tied]
    if len(certain) == len(pairs) and all(
        candidate.score > other.score for candidate, other in pairs
    ):
        return HELD
    is_behind = any(candidate.score < other.score for candidate, other in certain)
    return DID_NOT_HOLD if is_behind else OPEN


def _order(ranking: Ranking) -> str:
    return ", ".join(f"{standing.title} {standing.score:.2f}" for standing in ranking.standings)


def scale(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Are those that are said to scale faster on the headline tasks than every other framework?"""
    headline = [cells for cells in evidence.comparable if evidence.snapshot.headline(cells.task)]
    headline_evidence = replace(evidence, comparable=headline or evidence.comparable)
    metric = measured_figures.throughput(headline_evidence)
    exact = replace(CRITERIA["speed"], alike=1.0)  # a lead is a lead, however small
    speed = measured_figures.ratio_to_best(headline_evidence, exact, metric)
    if not speed.known:
        return ClaimResult(outcome=OPEN, figures="no speed was measured")
    ranking = rank_frameworks({"speed": speed}, {"speed": 1.0}, evidence.frameworks)
    tasks = "headline tasks only" if headline else "tasks of this run"
    documented = "; ".join(
        f"{title} documents {', '.join(fact.value)}"
        for name, title in evidence.frameworks.items()
        if (fact := facts.of(name).by_name.get("distributed"))
    )
    return ClaimResult(
        outcome=_lead(ranking, facts.claimed_about("scale")),
        figures=f"pace on the {tasks}, relative to the fastest framework: "
        f"{_order(ranking)}. Parallel training: {documented}",
    )


def start(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Are those that are said to be easy ahead by the beginner's weights, as in that advice?"""
    weights = personas.weights(personas.load("beginner"))
    ranking = rank_frameworks(assessment, weights, evidence.frameworks)
    lines = {name: count for name, count in assessment["code"].values.items() if count is not None}
    shortest = min(lines, key=lambda name: lines[name], default=None)
    code = ""
    if shortest:
        title = evidence.title(shortest)
        code = f"; {title} needs the fewest lines of code, {lines[shortest]:.1f}"
    return ClaimResult(
        outcome=_lead(ranking, facts.claimed_about("start")),
        figures=f"score for a beginner: {_order(ranking)}{code}",
    )


def _mode_pairs(evidence: Evidence) -> list[ModePair]:
    """Compiled cells with an eager twin, where both have two blocks in common."""
    cells = {summary.cell: summary for summary in evidence.results.summaries if summary.ok}
    tests = [
        (compiled, test)
        for cell, compiled in cells.items()
        if cell.mode != "eager"
        and (eager := cells.get(replace(cell, mode="eager")))
        and (test := paired_test(compiled.throughputs, eager.throughputs))
    ]
    significant = holm([test.p_value for _, test in tests], 1 - CONFIDENCE)
    return [
        ModePair(compiled=compiled, gain=test.ratio, different=different)
        for (compiled, test), different in zip(tests, significant, strict=True)
    ]


def _by_framework(evidence: Evidence, cells: Sequence[CellSummary]) -> str:
    """How many cells of each framework, such as "1 of PaddlePaddle, 2 of PyTorch"."""
    counts = Counter(evidence.title(summary.cell.framework) for summary in cells)
    return ", ".join(f"{count} of {title}" for title, count in sorted(counts.items()))


def _coverage(evidence: Evidence, pairs: Sequence[ModePair]) -> str:
    """The cells on which a claim about modes was tested, which differ from run to run."""
    of_frameworks = _by_framework(evidence, [pair.compiled for pair in pairs])
    cells = "1 cell" if len(pairs) == 1 else f"{len(pairs)} cells"
    return f"both modes were measured in {cells} ({of_frameworks})"


def compiling(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Is the time spent on compiling won back in every cell?"""
    pairs = _mode_pairs(evidence)
    if not pairs:
        return ClaimResult(outcome=OPEN, figures=NO_PAIRS)
    paid, never = [], []
    for pair in pairs:
        epochs = pair.compiled.break_even if pair.different else None
        if epochs == math.inf:
            never.append(pair.compiled)
        elif epochs is not None:
            paid.append((epochs, pair.compiled))
    figures = _coverage(evidence, pairs)
    if paid:
        first, last = min(epochs for epochs, _ in paid), max(epochs for epochs, _ in paid)
        cells = _by_framework(evidence, [compiled for _, compiled in paid])
        figures += f". It pays in {cells}, after {first:.2g} to {last:.2g} of the run's epochs"
    if never:
        figures += f". It never pays in {_by_framework(evidence, never)}"
    if tied := len(pairs) - len(paid) - len(never):
        figures += f"; {tied} {'is' if tied == 1 else 'are'} tied with eager mode"
    outcome: ClaimOutcome = DID_NOT_HOLD if never else HELD if len(paid) == len(pairs) else OPEN
    return ClaimResult(outcome=outcome, figures=figures)


def graphs(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Within each framework: is every cell faster as a graph than in eager mode?"""
    pairs = _mode_pairs(evidence)
    if not pairs:
        return _graphs_between_frameworks(evidence)
    faster = [pair.compiled for pair in pairs if pair.different and pair.gain > 1]
    slower = [pair.compiled for pair in pairs if pair.different and pair.gain < 1]
    outcome = HELD if len(faster) == len(pairs) else OPEN
    if slower:
        outcome = MIXED if faster else DID_NOT_HOLD
    gains = sorted(pair.gain for pair in pairs)
    return ClaimResult(
        outcome=outcome,
        figures=f"{_coverage(evidence, pairs)}. "
        f"Surely faster: {_by_framework(evidence, faster) or 'none'}; "
        f"surely slower: {_by_framework(evidence, slower) or 'none'}; "
        f"{gains[0]:.2f} to {gains[-1]:.2f} times the pace of eager mode",
    )


def _graphs_between_frameworks(evidence: Evidence) -> ClaimResult:
    """The test if each framework ran in one mode: an eager framework in front refutes the claim."""
    faster = surely_faster(evidence)
    eager, compiled = (leads(evidence, faster, eager=kind) for kind in (True, False))
    if not eager:
        return ClaimResult(outcome=OPEN, figures=NO_PAIRS)
    largest = [max(found)[1] for found in (eager, compiled) if found]
    return ClaimResult(
        outcome=MIXED if compiled else DID_NOT_HOLD,
        figures=f"{', and '.join(largest)}. This compares frameworks; within a framework, "
        f"{NO_PAIRS}",
    )


def lstm(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Is the one that is said to be slower on LSTMs so, on every such task and with each tuning?"""
    recommended = {
        framework.name: framework.recommended for framework in evidence.snapshot.frameworks
    }
    cells: dict[tuple[object, ...], dict[str, CellSummary]] = defaultdict(dict)
    for summary in evidence.results.summaries:
        cell, task = summary.cell, evidence.snapshot.task(summary.cell.task)
        # Only the weights of an LSTM are those of four gates.
        has_lstm = task and any("(4 * hidden, hidden)" in tensor for tensor in task.tensors)
        is_recommended = cell.mode == recommended.get(cell.framework)
        if summary.ok and has_lstm and cell.device == "cpu" and is_recommended:
            cells[(*conditions(cell), cell.tuning)][cell.framework] = summary
    slow, fast = facts.claimed_about("lstm"), facts.claimed_about("lstm-faster")
    pairs = [
        (group[one], group[other], test)
        for group in cells.values()
        for one in slow
        for other in fast
        if one in group and other in group
        if (test := paired_test(group[one].throughputs, group[other].throughputs))
    ]
    if not pairs:
        return ClaimResult(outcome=OPEN, figures=NO_LSTM)
    significant = holm([test.p_value for *_, test in pairs], 1 - CONFIDENCE)
    sure = [test.ratio for (*_, test), is_sure in zip(pairs, significant, strict=True) if is_sure]
    slower, faster = sum(ratio < 1 for ratio in sure), sum(ratio > 1 for ratio in sure)
    outcome = HELD if slower == len(pairs) else OPEN
    if faster:
        outcome = MIXED if slower else DID_NOT_HOLD
    return ClaimResult(
        outcome=outcome,
        figures="; ".join(
            f"{evidence.title(one.cell.framework)} trains {one.cell.task} {test.ratio:.2f} times "
            f"as fast as {evidence.title(other.cell.framework)} with {one.cell.tuning} tuning"
            f"{'' if is_sure else ', which chance may explain'}"
            for (one, other, test), is_sure in zip(pairs, significant, strict=True)
        ),
    )


def accuracies(evidence: Evidence, assessment: Assessment) -> ClaimResult:
    """Do final accuracies on the same task differ by more than seeds explain?"""
    by_task: dict[str, float] = {}
    for table in evidence.results.tables:
        if (chance := table.metric_p_value) is not None:
            by_task[table.task] = min(chance, by_task.get(table.task, chance))
    if not by_task:
        return ClaimResult(outcome=OPEN, figures="too few cells were repeated often enough")
    task = min(by_task, key=lambda name: by_task[name])
    differ = by_task[task] < final_metrics.SURE
    return ClaimResult(
        outcome=HELD if differ else DID_NOT_HOLD,
        figures=f"{len(by_task)} task{'s' * (len(by_task) != 1)}, with the same weights, batches "
        f"and formulas in every framework: the smallest p-value is {by_task[task]:.2g}, on {task}: "
        f"{'more' if differ else 'no more'} than seeds explain",
    )
