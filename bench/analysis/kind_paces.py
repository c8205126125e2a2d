"""Paces on each kind of machine, where a run was made on unlike ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.intervals import Interval, geometric_mean
from bench.analysis.results import Results
from bench.core.record import Cell


@dataclass(frozen=True, kw_only=True)
class PaceByKind:
    """A cell's throughput on each of the run's kinds of machine; None where it was not measured."""

    cell: Cell
    throughputs: tuple[Interval | None, ...]


def paces_by_kind(results: Results) -> Iterator[PaceByKind]:
    """The paces of every cell that is ok, in the order of the tables; none for a single kind."""
    kinds = results.run.node_kinds
    if len(kinds) < 2:
        return
    for table in results.tables:
        for summary in table.ok:
            node = {
                process.record.job.block: process.record.node
                for process in table.by_cell[summary.cell]
            }
            paces = [
                [pace for block, pace in summary.throughputs.items() if node[block] in kind.nodes]
                for kind in kinds
            ]
            yield PaceByKind(
                cell=summary.cell,
                throughputs=tuple(geometric_mean(own) if own else None for own in paces),
            )
