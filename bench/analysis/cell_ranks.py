"""Cells compared: ratios to the fastest, ranks, and the gain from a mode or a device.

Ranks and ties hold for a table as a whole, see `bench.analysis.multiple_comparisons`. Every ratio
has an interval of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import geometric_mean, paired_test, ratio
from bench.analysis.multiple_comparisons import MultipleComparison
from bench.core.record import Cell


def ranked(group: Sequence[CellSummary]) -> list[CellSummary]:
    """The cells of a table, all of them ok, with their ranks, ties and ratios to the fastest."""
    group = _in_quiet_blocks(group)
    ratios = [
        [ratio(summary.throughputs, other.throughputs) for other in group] for summary in group
    ]

    def pace(place: int) -> tuple[int, float]:
        """The number of cells that it beats in pairs (some may lack a block), then its pace."""
        beaten = sum(interval is not None and interval.estimate >= 1 for interval in ratios[place])
        return beaten, group[place].samples_per_second or 0.0

    places = range(len(group))
    fastest = max(places, key=pace)
    together = MultipleComparison.of(
        len(group), lambda i, j: paired_test(group[i].throughputs, group[j].throughputs)
    )
    ranks = together.ranks() if len(group) > 1 else [""]  # a single cell has no rank
    return [
        replace(
            group[i],
            relative=ratios[i][fastest],
            rank=ranks[i],
            among_fastest=_among_fastest(together, i, fastest),
            tied_with=frozenset(group[j].cell for j in places if together.tied(i, j)),
            slower_than=frozenset(group[j].cell for j in places if together.faster(j, i)),
        )
        for i in places
    ]


def _among_fastest(together: MultipleComparison, place: int, fastest: int) -> bool | None:
    """Whether a cell is the fastest or tied with it; None if no test says so."""
    others = range(together.cells) if place == fastest else [fastest]
    if not any((place, other) in together.ratios for other in others):
        return None
    return place == fastest or together.tied(place, fastest)


def _in_quiet_blocks(group: Sequence[CellSummary]) -> Sequence[CellSummary]:
    """The cells, limited to the blocks in which none was disturbed if there are at least two.

    All cells use the same blocks: an undisturbed cell cannot be compared with a disturbed one.
    """
    disturbed = frozenset[int]().union(*(summary.disturbed for summary in group))
    quiet = [
        {block: pace for block, pace in summary.throughputs.items() if block not in disturbed}
        for summary in group
    ]
    if not disturbed or min(map(len, quiet)) < 2:
        return group
    return [
        replace(summary, throughputs=paces, throughput=geometric_mean(paces.values()))
        for summary, paces in zip(group, quiet, strict=True)
    ]


def with_gains(summary: CellSummary, others: Mapping[Cell, CellSummary]) -> CellSummary:
    """With the gains from compiling, tuning, a GPU and a precision, if the plain cell is there."""
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
        assert summary.metric and plain.metric
        summary = replace(
            summary,
            reduced=ratio(summary.throughputs, plain.throughputs),
            metric_change=summary.metric.median - plain.metric.median,
        )
    return summary


def _plain(
    summary: CellSummary, others: Mapping[Cell, CellSummary], **condition: Any
) -> CellSummary | None:
    """The cell that differs from this one only in `condition`, if both are ok."""
    return _ok(summary, others.get(summary.cell.with_setting(**condition)))


def _ok(summary: CellSummary, plain: CellSummary | None) -> CellSummary | None:
    """The plain cell, if it is not this one and both are ok."""
    return plain if plain and plain.cell != summary.cell and summary.ok and plain.ok else None


def break_even(compiled: CellSummary, eager: CellSummary) -> float | None:
    """Epochs after which compiling has paid off; infinite if it never does.

    Its cost is the extra time of the build and the first step over eager mode, and what it saves
    follows from the ratio of the two paces. None if the interval of that includes 1, or if they
    share no block.
    """
    gain = ratio(compiled.throughputs, eager.throughputs)
    if not (gain and eager.throughput and compiled.epoch_samples):
        return None
    if gain.known and gain.includes(1):
        return None
    cost = sum(
        (getattr(compiled, name) or 0.0) - (getattr(eager, name) or 0.0)
        for name in ("build_seconds", "first_step")
    )
    saved = compiled.epoch_samples / eager.throughput.estimate * (1 - 1 / gain.estimate)
    return max(0.0, cost / saved) if saved > 0 else math.inf
