"""The cells of a run that advice compares: one of each framework, under the same conditions.

A framework is represented by its recommended mode with the expert tuning, or with the default one
in a run that has no other. Where that mode was not measured, the first of its measured modes in
alphabetical order takes its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cell_summary import CONDITIONS, CellSummary, conditions
from bench.analysis.processes import Process
from bench.analysis.results import Results
from bench.core.grouping import grouped


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
    complete. So is a reference, which nobody chooses.
    """
    snapshot = results.snapshot
    recommended = {framework.name: framework.recommended for framework in snapshot.frameworks}
    references = snapshot.references
    chosen = [one for one in results.summaries if one.cell.framework not in references]
    chosen = [one for one in chosen if one.cell.tuning == "expert"] or chosen
    groups: dict[tuple[object, ...], dict[str, CellSummary]] = defaultdict(dict)
    for (framework, *shared), own in grouped(chosen, _of_framework).items():
        summary = _representative(own, recommended.get(str(framework)))
        group = groups[tuple(shared)]
        if summary.ok:
            group[summary.cell.framework] = summary
    completed = {name for group in groups.values() for name in group}
    comparable, left_out = [], []
    for key, group in groups.items():
        if missing := sorted(completed - group.keys()):
            titles = ", ".join(map(snapshot.framework_title, missing))
            left_out.append(f"{_place(key, groups)} is left out: not ok in {titles}")
        elif group:
            comparable.append(
                ComparableCells(
                    task=str(key[0]),
                    device=str(key[1]),
                    summaries=group,
                    processes=_by_block(results.processes, group),
                )
            )
    return comparable, left_out


def _of_framework(summary: CellSummary) -> tuple[object, ...]:
    return (summary.cell.framework, *conditions(summary.cell))


def _representative(own: Sequence[CellSummary], recommended: str | None) -> CellSummary:
    """The cell that stands for a framework, of its own under the same conditions."""
    by_mode = {summary.cell.mode: summary for summary in own}
    return by_mode.get(recommended or "") or by_mode[min(by_mode)]


def _place(key: tuple[object, ...], groups: Collection[tuple[object, ...]]) -> str:
    """Conditions in words: task and device, and what else tells them from those of `groups`."""
    alike = [other for other in groups if other[:2] == key[:2]]
    differing = [
        f"{name} {value}"
        for name, value, *others in zip(CONDITIONS, key, *alike, strict=True)
        if len({*others}) > 1
    ]
    return " with ".join([f"{key[0]} on {key[1]}", *([", ".join(differing)] if differing else [])])


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
