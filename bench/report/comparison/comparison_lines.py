"""A comparison of two runs in lines of words: what is compared, warnings, notes, and the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

from bench.analysis.comparison.cell_pairs import CellPair, PairVerdict
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.gate import Gate, GateOutcome, limit_text
from bench.analysis.comparison.run_comparison import Comparison
from bench.analysis.comparison.run_differences import peak_changes
from bench.core.record import Cell
from bench.report.common.text import estimate_text, place_text, ratio_text

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
            "where budgets or data differ, only the pace is compared; accuracy and memory are left "
            "out"
        )
    lines += [f"differs in {difference}" for difference in comparison.differences]
    lines += comparison.remarks
    lines += [comparison.moved_alike] * bool(comparison.moved_alike)
    return lines + [str(caveat) for caveat in comparison.caveats]


def footer(comparison: Comparison) -> list[str]:
    """How to read the figures."""
    lines = ["B / A: samples/s of B over samples/s of A; above 1, B is faster; figures are A → B"]
    if count := len(comparison.compared):
        lines.append(
            f"{count} comparisons, each judged on its own: of equal cells, 1 in 20 appears "
            "different by chance"
        )
    lines.append(
        "the two runs are not interleaved: a machine that was slower during one run slows all its "
        "cells, and no interval shows that"
    )
    lines += peak_changes(comparison.a.peaks, comparison.b.peaks)
    sides = (("A", comparison.a), ("B", comparison.b))
    return lines + [f"contention in {name}: {side.cleanness}" for name, side in sides]


def gate_lines(gate: Gate) -> list[tuple[GateOutcome, str]]:
    """The gate's judgement of each cell that does not simply hold."""
    limit = limit_text(gate.limit)
    unchecked = _by_reason(
        (judgement.pair.cell, judgement.why) for judgement in gate.of("not checked")
    )
    lines: list[tuple[GateOutcome, str]] = [
        ("not checked", f"not checked: {line}") for line in unchecked
    ]
    if unsure := gate.of("not sure"):
        cells = "; ".join(
            f"{judgement.pair.cell} {estimate_text(judgement.pair.ratio, ratio_text)}"
            for judgement in unsure
        )
        lines.append(
            (
                "not sure",
                f"not sure: a slowdown of more than {limit} is neither found nor ruled out; "
                f"more repeats would decide: {cells}",
            )
        )
    for judgement in gate.of("slower"):
        pair = judgement.pair
        ratio = estimate_text(pair.ratio, ratio_text)
        lines.append(("slower", f"{pair.cell}: {ratio}: {judgement.why}"))
    for judgement in gate.of("fails"):
        pair = judgement.pair
        ratio = f": {estimate_text(pair.ratio, ratio_text)}" if pair.ratio else ""
        lines.append(("fails", f"{pair.cell}: FAILS: {judgement.why}{ratio}"))
    return lines


def gate_verdict(gate: Gate) -> str:
    """Whether the gate passes, in one line."""
    cells, failed = len(gate.judgements), len(gate.of("fails"))
    unchecked, unsure = len(gate.of("not checked")), len(gate.of("not sure"))
    limits = [f"{unchecked} of {cells} cells were not checked"] * bool(unchecked)
    limits += [f"{unsure} could not be decided"] * bool(unsure)
    passed = f"passed, but {' and '.join(limits)}" if limits else "passed"
    outcome = f"FAILED: {failed} of {cells} cells" if failed else passed
    ratios = [judgement.pair.ratio for judgement in gate.judgements]
    tested = sum(ratio is not None and ratio.known for ratio in ratios)
    return (
        f"gate at {limit_text(gate.limit)}: {outcome} (paces tested: {tested}, one-sided, with "
        "Holm's correction: at most 5 % of gates fail by chance)"
    )
