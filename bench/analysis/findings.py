"""Findings: what shows that a process did not do, or not within its windows, the task's work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.core.grouping import grouped
from bench.core.record import Cell

# Of more blocks than these, a reason gives the number.
MOST_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class WorkFinding:
    """What was found about a cell in one block, in words; `check` names the rule."""

    cell: Cell
    block: int
    check: str
    reason: str


def by_cell(findings: Iterable[WorkFinding]) -> dict[Cell, str]:
    """Each cell's first finding in words, with the blocks in which the same check found something.

    The findings of the check that comes first are the cause that is told: later checks may follow
    from it.
    """
    reasons = {}
    for cell, own in grouped(findings, lambda finding: finding.cell).items():
        alike = [finding for finding in own if finding.check == own[0].check]
        blocks = sorted({finding.block for finding in alike})
        others = [str(block) for block in blocks if block != alike[0].block]
        reasons[cell] = f"{alike[0].reason}, in block {alike[0].block}"
        if len(others) > MOST_NAMED:
            reasons[cell] += f", and likewise in {len(others):,} others"
        elif others:
            reasons[cell] += f", and likewise in {', '.join(others)}"
    return reasons
