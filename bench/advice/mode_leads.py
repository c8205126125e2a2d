"""Where eager and compiled cells of different frameworks surely differ."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from bench.advice.evidence import Evidence
from bench.analysis.intervals import CONFIDENCE, paired_test, ratio
from bench.analysis.multiple_comparisons import holm
from bench.core.record import Cell


def surely_faster(evidence: Evidence) -> set[tuple[Cell, Cell]]:
    """Pairs of an eager and a compiled cell, the faster first, judged for the run as a whole."""
    tests = [
        (first.cell, second.cell, test)
        for comparable in evidence.comparable
        for first, second in combinations(comparable.summaries.values(), 2)
        if (first.cell.mode == "eager") != (second.cell.mode == "eager")
        if (test := paired_test(first.throughputs, second.throughputs))
    ]
    significant = holm([test.p_value for *_, test in tests], 1 - CONFIDENCE)
    return {
        (first, second) if test.ratio > 1 else (second, first)
        for (first, second, test), is_sure in zip(tests, significant, strict=True)
        if is_sure
    }


def leads(
    evidence: Evidence, faster: Collection[tuple[Cell, Cell]], *, eager: bool
) -> list[tuple[float, str]]:
    """Where a cell in one kind of mode is surely faster than all in the other, and by how much.

    `faster` are the pairs of `surely_faster`.
    """
    kind, other_kind = ("eager", "compiled") if eager else ("compiled", "eager")
    found: list[tuple[float, str]] = []
    for comparable in evidence.comparable:
        cells = comparable.summaries.values()
        others = [other for other in cells if (other.cell.mode == "eager") != eager]
        for summary in cells:
            if (summary.cell.mode == "eager") != eager:
                continue
            if others and all((summary.cell, other.cell) in faster for other in others):
                gains = [ratio(summary.throughputs, other.throughputs) for other in others]
                least = min(gain.estimate for gain in gains if gain)
                title = evidence.title(summary.cell.framework)
                words = f"on {comparable.task}, {title}, {kind}, trains {least:.2f} times as fast"
                found.append((least, f"{words} as the best {other_kind} framework"))
    return found
