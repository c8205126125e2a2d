"""Cells beside each other: ratios to the fastest, ranks, and what a mode or a device brings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import geometric_mean, ranks, ratio
from bench.core.record import Cell


def ranked(group: Sequence[CellSummary]) -> list[CellSummary]:
    """Cells under the same conditions, all of them ok, with their ranks and ratios."""
    group = _in_quiet_blocks(group)
    ratios = [[ratio(one.throughputs, other.throughputs) for other in group] for one in group]

    def pace(place: int) -> tuple[int, float]:
        """How many it outpaces, pair by pair: some may lack a block."""
        ahead = sum(one is not None and one.estimate >= 1 for one in ratios[place])
        return ahead, group[place].samples_per_second or 0.0

    fastest = max(range(len(group)), key=pace)
    alone = len(group) == 1  # not the first of anything
    return [
        replace(summary, relative=row[fastest], rank="" if alone else rank)
        for summary, row, rank in zip(group, ratios, ranks(ratios), strict=True)
    ]


def _in_quiet_blocks(group: Sequence[CellSummary]) -> Sequence[CellSummary]:
    """The cells by the blocks in which none of them was disturbed, or by all if those are few.

    The same blocks for all: a cell in peace beside a disturbed one is no comparison.
    """
    disturbed = frozenset[int]().union(*(one.disturbed for one in group))
    quiet = [
        {block: pace for block, pace in one.throughputs.items() if block not in disturbed}
        for one in group
    ]
    if not disturbed or min(map(len, quiet)) < 2:
        return group
    return [
        replace(summary, throughputs=paces, throughput=geometric_mean(paces.values()))
        for summary, paces in zip(group, quiet, strict=True)
    ]


def with_gains(summary: CellSummary, others: Mapping[Cell, CellSummary]) -> CellSummary:
    """With what compiling, tuning, a GPU and a precision bring, where the plain cells are too."""
    eager = _ok(summary, others.get(replace(summary.cell, mode="eager")))
    if eager:
        summary = replace(summary, break_even=break_even(summary, eager))
    if summary.cell.tuning == "expert" and (plain := _plain(summary, others, tuning="default")):
        summary = replace(summary, tuned=ratio(summary.throughputs, plain.throughputs))
    if plain := _plain(summary, others, device="cpu"):
        summary = replace(summary, on_gpu=ratio(summary.throughputs, plain.throughputs))
    if summary.cell.precision != "float64" and (
        plain := _plain(summary, others, precision="float32")
    ):
        assert summary.accuracy and plain.accuracy
        summary = replace(
            summary,
            reduced=ratio(summary.throughputs, plain.throughputs),
            accuracy_change=summary.accuracy.median - plain.accuracy.median,
        )
    return summary


def _plain(
    summary: CellSummary, others: Mapping[Cell, CellSummary], **condition: Any
) -> CellSummary | None:
    """The cell that differs from this one in a part of its setting alone, where both are ok."""
    return _ok(summary, others.get(summary.cell.with_setting(**condition)))


def _ok(summary: CellSummary, plain: CellSummary | None) -> CellSummary | None:
    """The plain cell, where it is another than this one and both are ok."""
    return plain if plain and plain.cell != summary.cell and summary.ok and plain.ok else None


def break_even(compiled: CellSummary, eager: CellSummary) -> float | None:
    """Epochs after which the time that compiling took is won back; infinite if it never is.

    The time that it takes is what building and the first step take longer than in eager mode. None
    where the two paces are tied.
    """
    if not (compiled.throughput and eager.throughput and compiled.epoch_samples):
        return None
    gain = ratio(compiled.throughputs, eager.throughputs)
    if gain and gain.known and gain.includes(1):
        return None
    paid = sum(
        (getattr(compiled, name) or 0.0) - (getattr(eager, name) or 0.0)
        for name in ("build_seconds", "first_step")
    )
    samples, slow, fast = compiled.epoch_samples, eager.throughput, compiled.throughput
    won = samples / slow.estimate - samples / fast.estimate
    return max(0.0, paid / won) if won > 0 else math.inf
