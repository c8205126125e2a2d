"""A comparison of two runs in lines of words: what is compared, warnings, notes, and the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

from bench.analysis.comparison.cell_pairs import CellPair, PairVerdict
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.gate import CellOutcome, Gate, Judgement, limit_text
from bench.analysis.comparison.run_comparison import Comparison
from bench.analysis.comparison.run_differences import peak_changes
from bench.core.record import Cell
from bench.report.common.text import estimate_text, place_text, ratio_text, unsure_line

# Where more cells than this share a reason, only the first few are named.
MOST_NAMED, NAMED = 4, 3


def caption(pair: CellPair) -> str:
    """The task and the conditions that a pair shares with its neighbours."""
    cell, other = pair.cell, pair.b.cell if pair.b else pair.cell
    return f"{cell.task} — {place_text(cell, other.threads)}"


def _run_line(name: str, side: ComparedRun) -> str:
    info, repeats = side.run.info, side.repeats
    words = [
        str(info.get("name", side.run.folder.name)),
        str(info.get("started", ""))[:16].replace("T", " "),
        f"{repeats} repeat{'s' * (repeats != 1)}",
    ]
    return f"{name}  {', '.join(word for word in words if word)}"


def head(comparison: Comparison) -> tuple[str, str, str]:
    """A line about each run, and the result in one line."""
    return _run_line("A", comparison.a), _run_line("B", comparison.b), str(comparison)


def _one_sided(comparison: Comparison) -> list[str]:
    """The cells that only one run has."""
    by_verdict: dict[PairVerdict, list[str]] = {}
    for (where, verdict), group in groupby(
        comparison.pairs, lambda pair: (caption(pair), pair.verdict)
    ):
        cells = [str(pair.cell) for pair in group]
        if verdict in ("only in A", "only in B"):
            group_text = f"{where} ({len(cells)} cells)"
            by_verdict.setdefault(verdict, []).append(group_text if len(cells) > 1 else cells[0])
    return [f"{verdict}: {'; '.join(cells)}" for verdict, cells in by_verdict.items()]


def _by_reason(reasons: Iterable[tuple[Cell, str]]) -> list[str]:
    """A line for each reason, with the number of its cells and the first few of them."""
    cells: dict[str, list[str]] = defaultdict(list)
    for cell, reason in reasons:
        cells[reason].append(str(cell))
    lines = []
    for reason, names in cells.items():
        count = f" ({len(names)} cells)" * (len(names) > 1)
        if len(names) > MOST_NAMED:
            names[NAMED:] = [f"and {len(names) - NAMED} more (--json lists all)"]
        lines.append(f"{reason}{count}: {'; '.join(names)}")
    return lines


def warnings(comparison: Comparison) -> list[str]:
    """What limits the comparison of some cells, what else differs, and the runs' caveats."""
    lines = _one_sided(comparison)
    lines += _by_reason((pair.cell, pair.reason) for pair in comparison.pairs if pair.reason)
    if not all(pair.same_training for pair in comparison.pairs):
        lines.append(
            "where budgets, data or weights differ, only the pace is compared; accuracy and memory "
            "are left out"
        )
    lines += [f"differs in {difference}" for difference in comparison.differences]
    lines += comparison.remarks
    lines += [comparison.moved_alike] * bool(comparison.moved_alike)
    return lines + [str(caveat) for caveat in comparison.caveats]


def footer(comparison: Comparison) -> list[str]:
    """How to read the figures."""
    lines = ["B / A: samples/s of B over samples/s of A; above 1, B is faster; figures are A → B"]
    if count := len(comparison.compared):
        which = "1 comparison" if count == 1 else f"{count} comparisons, each"
        lines.append(
            f"{which} judged on its own: of equal cells, 1 in 20 appears different by chance"
        )
    lines.append(
        "the two runs are not interleaved: a machine that was slower during one run slows all its "
        "cells, and no interval shows that"
    )
    lines += unsure_line(pair.ratio for pair in comparison.pairs)
    lines += peak_changes(comparison.a.peaks, comparison.b.peaks)
    sides = (("A", comparison.a), ("B", comparison.b))
    return lines + [f"contention in {name}: {side.cleanness}" for name, side in sides]


def gate_lines(gate: Gate) -> list[tuple[CellOutcome, str]]:
    """The gate's judgement of each cell that does not simply hold."""
    lines: list[tuple[CellOutcome, str]] = []
    unjudged: tuple[CellOutcome, ...] = ("new", "left out", "not checked")
    for outcome in unjudged:
        named = _by_reason((judged.pair.cell, judged.why) for judged in gate.of(outcome))
        lines += [(outcome, f"{outcome}: {line}") for line in named]
    for judged in gate.of("slower"):
        lines.append(("slower", _judged(judged, judged.why)))
    for judged in gate.of("not sure"):
        decided = "more than can be counted on"
        if judged.more_blocks is not None:
            decided = f"about {judged.more_blocks} more {_blocks(judged.more_blocks)} in each run"
        text = _judged(judged, f"{judged.why}; to decide it takes {decided}")
        lines.append(("not sure", text))
    for judged in gate.of("fails"):
        lines.append(("fails", _judged(judged, f"FAILS: {judged.why}")))
    return lines


def _judged(judgement: Judgement, words: str) -> str:
    """The cell, the words, and its ratio if there is one."""
    pair = judgement.pair
    ratio = f": {estimate_text(pair.ratio, ratio_text)}" if pair.ratio else ""
    return f"{pair.cell}: {words}{ratio}"


def _blocks(count: int) -> str:
    return "block" if count == 1 else "blocks"


def gate_verdict(gate: Gate) -> str:
    """Whether the gate passes, in one line."""
    judged = [each for each in gate.judgements if each.outcome not in ("new", "left out")]
    cells = f"{len(judged)} cell{'s' * (len(judged) != 1)}"
    which = "the only cell is not" if len(judged) == 1 else f"none of {cells} is"
    words = {
        "passed": f"passed: {which} slower by more than that",
        "failed": f"FAILED: {len(gate.of('fails'))} of {cells}",
        "undecided": "UNDECIDED",
    }
    parts = [words[gate.outcome]]
    if unsure := gate.of("not sure"):
        more = gate.more_blocks
        blocks = f" (about {more} more {_blocks(more)} in each run would)" if more else ""
        parts.append(f"{len(unsure)} of {cells} can't be told apart yet{blocks}")
    if unchecked := gate.of("not checked"):
        parts.append(f"{len(unchecked)} of {len(judged)} were not checked")
    ratios = [judgement.pair.ratio for judgement in gate.judgements]
    tested = sum(ratio is not None and ratio.known for ratio in ratios)
    return (
        f"gate at {limit_text(gate.limit)}: {'; '.join(parts)} (paces tested: {tested}, one-sided, "
        "with Holm's correction: at most 5 % of gates fail by chance)"
    )
