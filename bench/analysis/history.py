"""The pace of cells over all runs of one machine, and where versions changed in between.

The points of a cell's history are runs under the same conditions; how long they trained may differ,
as only the pace counts, but not the length of their texts, on which it depends. Runs are not
interleaved: what slowed a whole run looks like a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.run_differences import machine_changes, version_changes
from bench.analysis.intervals import Interval, unpaired_ratio
from bench.analysis.results import Results
from bench.core.framework_name import is_among
from bench.core.record import Cell


@dataclass(frozen=True, kw_only=True)
class HistoryPoint:
    """A cell in one run: its pace, and how it has changed since the point before it.

    `throughputs` are in samples a second, by block. `change` is the ratio to the previous point's
    pace with Welch's interval, and `versions` are the packages that changed since, in words.
    """

    run: str
    started: str
    throughput: Interval
    throughputs: Mapping[int, float]
    versions: tuple[str, ...]
    change: Interval | None


@dataclass(frozen=True, kw_only=True)
class CellHistory:
    """A cell's points, oldest first.

    `tokens` is the length of its texts, None for a task without any, and `title` its framework's.
    """

    cell: Cell
    tokens: int | None
    title: str
    points: Sequence[HistoryPoint]

    @property
    def overall(self) -> Interval | None:
        """The pace of the last point over that of the first; None for a single one."""
        if len(self.points) < 2:
            return None
        first, last = self.points[0], self.points[-1]
        return unpaired_ratio(last.throughputs.values(), first.throughputs.values())


@dataclass(frozen=True, kw_only=True)
class History:
    """The histories of all cells on one machine, and the names of its runs, oldest first.

    `others` are the runs that were left out because another machine made them.
    """

    runs: tuple[str, ...]
    others: tuple[str, ...]
    cells: Sequence[CellHistory]


def history(
    every: Iterable[Results],
    machine: Mapping[str, Any],
    *,
    tasks: Sequence[str] = (),
    frameworks: Sequence[str] = (),
) -> History:
    """The history on a machine, as a run describes it, of these tasks and frameworks, or of all.

    `every` are the results of runs, oldest first. A run on machines of several kinds is on no
    machine's history.
    """
    every = list(every)
    same = [
        r
        for r in every
        if len(r.run.node_kinds) == 1
        and not machine_changes(r.run.info.get("machine", {}), machine)
    ]
    found: dict[tuple[Cell, int | None], list[tuple[Results, CellSummary]]] = {}
    titles: dict[str, str] = {}
    for results in same:
        titles |= {name: results.snapshot.framework_title(name) for name in results.frameworks}
        for summary in results.summaries:
            cell = summary.cell
            chosen = not tasks or cell.task in tasks
            chosen &= not frameworks or any(is_among(cell.framework, name) for name in frameworks)
            if chosen and summary.ok and summary.throughput:
                task = results.snapshot.task(cell.task)
                key = (cell, task.length if task else None)
                found.setdefault(key, []).append((results, summary))
    return History(
        runs=tuple(_name(results) for results in same),
        others=tuple(_name(results) for results in every if results not in same),
        cells=[
            CellHistory(
                cell=cell,
                tokens=tokens,
                title=titles[cell.framework],
                points=_points(cell, measured),
            )
            for (cell, tokens), measured in found.items()
        ],
    )


def _name(results: Results) -> str:
    return results.run.folder.name


def _points(cell: Cell, measured: Sequence[tuple[Results, CellSummary]]) -> Sequence[HistoryPoint]:
    points: list[HistoryPoint] = []
    before: Mapping[str, str] = {}
    for results, summary in measured:
        versions = _versions(results, cell)
        previous = points[-1] if points else None
        assert summary.throughput
        points.append(
            HistoryPoint(
                run=_name(results),
                started=results.run.info.get("started", ""),
                throughput=summary.throughput,
                throughputs=summary.throughputs,
                versions=tuple(version_changes(before, versions)) if previous else (),
                change=unpaired_ratio(summary.throughputs.values(), previous.throughputs.values())
                if previous
                else None,
            )
        )
        before = versions
    return points


def _versions(results: Results, cell: Cell) -> Mapping[str, str]:
    """The versions that a cell's first process told of."""
    records = (process.record for process in results.processes)
    return next((r.versions for r in records if r.job.cell == cell and r.versions), {})
