"""The part of a run that advice rests on: its cells, and what the run says of what it measured.

Nothing here reads the present source: titles, targets, recommended modes and lines of code are
those of the run's snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.advice.comparable_cells import ComparableCells, comparable_cells
from bench.analysis import results
from bench.analysis.cell_summary import CellSummary
from bench.records.run_folder import Run, part
from bench.records.snapshot import Caveat, Snapshot


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that the criteria look at.

    `frameworks` maps the name of each framework that was compared to its title, in alphabetical
    order of the names. `left_out` says which cells do not count, and why.
    """

    run: Run
    cells: Sequence[CellSummary]
    comparable: Sequence[ComparableCells]
    frameworks: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @staticmethod
    def of(run: Run, task: str | None = None) -> Evidence:
        """The evidence of a run, or of one task. Raises UsageError if the run lacks that task."""
        chosen = part(run, tasks=[task] if task else [])
        snapshot = chosen.snapshot
        cells = results.summarize(chosen.records)
        recommended = {each.name: each.recommended for each in snapshot.frameworks}
        comparable, left_out = comparable_cells(chosen.records, cells, recommended)
        references = {each.name for each in snapshot.frameworks if each.reference}
        names = {summary.cell.framework for summary in cells} - references
        return Evidence(
            run=chosen,
            cells=cells,
            comparable=comparable,
            frameworks={name: snapshot.framework_title(name) for name in sorted(names)},
            left_out=tuple(left_out),
        )

    @property
    def snapshot(self) -> Snapshot:
        """What the run says of the tasks and frameworks that it measured."""
        return self.run.snapshot

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of the run's figures must know."""
        return self.snapshot.caveats

    @property
    def completed(self) -> tuple[str, ...]:
        """Frameworks with at least one usable result."""
        names = {name for cells in self.comparable for name in cells.summaries}
        return tuple(name for name in self.frameworks if name in names)

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.task for summary in self.cells}))

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.device for summary in self.cells}))

    @property
    def networks(self) -> set[str]:
        """The networks of the run's tasks."""
        tasks = [self.snapshot.task(name) for name in self.task_names]
        return {task.network for task in tasks if task}

    def title(self, framework: str) -> str:
        """A framework as it writes itself, the references included."""
        return self.snapshot.framework_title(framework)

    def lines_of_code(self, framework: str, network: str) -> int | None:
        """Lines of code of a framework's model; None if the run does not say."""
        snapshot = self.snapshot.framework(framework)
        model = snapshot.model(network) if snapshot else None
        return model.lines_of_code if model else None

    def installed_bytes(self, framework: str) -> int | None:
        """Bytes of a framework's packages on the disk; None if the run does not say."""
        device = self.cells[0].cell.device if self.cells else "cpu"
        sizes: Mapping[str, int] = self.run.info.get("installed_bytes", {})
        return sizes.get(f"{framework} {device}")
