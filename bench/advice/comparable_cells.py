"""The cells of a run that advice compares: one of each framework, under the same conditions.

A framework is represented by its recommended mode with the expert tuning. Where that mode was not
measured, the first of its measured modes in alphabetical order takes its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.analysis.cell_summary import CellSummary, conditions
from bench.analysis.processes import Process
from bench.analysis.results import Results


@dataclass(frozen=True, kw_only=True)
class ComparableCells:
    """One cell of each framework, all under the same conditions and all with status ok.

    `processes` holds the processes of each framework's cell, by block.
    """

    task: str
    device: str
    summaries: Mapping[str, CellSummary]
    processes: Mapping[str, Mapping[int, Process]]


def comparable_cells(results: Results) -> tuple[list[ComparableCells], list[str]]:
    """Groups of cells that every framework completed, and a line on each group that is left out.

    A framework that completed no cell at all is ignored, because otherwise no group would be
    complete.
    """
    recommended = {
        framework.name: framework.recommended for framework in results.snapshot.frameworks
    }
    tuned = [summary for summary in results.summaries if summary.cell.tuning != "default"]
    modes: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for summary in tuned:
        modes[_of_framework(summary)].add(summary.cell.mode)
    groups: dict[tuple[object, ...], dict[str, CellSummary]] = defaultdict(dict)
    for summary in tuned:
        cell, measured = summary.cell, modes[_of_framework(summary)]
        preferred = recommended.get(cell.framework)
        if cell.mode == (preferred if preferred in measured else min(measured)):
            group = groups[conditions(cell)]
            if summary.ok:
                group[cell.framework] = summary
    completed = {name for group in groups.values() for name in group}
    comparable, left_out = [], []
    for (task, device, *_), group in groups.items():
        if missing := sorted(completed - group.keys()):
            left_out.append(f"{task} on {device} is left out: not ok in {', '.join(missing)}")
        elif group:
            comparable.append(
                ComparableCells(
                    task=str(task),
                    device=str(device),
                    summaries=group,
                    processes=_by_block(results.processes, group),
                )
            )
    return comparable, left_out


def _of_framework(summary: CellSummary) -> tuple[object, ...]:
    return (summary.cell.framework, *conditions(summary.cell))


def _by_block(
    processes: Iterable[Process], group: Mapping[str, CellSummary]
) -> dict[str, dict[int, Process]]:
    by_block: dict[str, dict[int, Process]] = {name: {} for name in group}
    frameworks = {summary.cell: name for name, summary in group.items()}
    for process in processes:
        job = process.record.job
        if name := frameworks.get(job.cell):
            by_block[name][job.block] = process
    return by_block
