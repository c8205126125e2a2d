"""The part of a run that advice rests on: its cells and its snapshot.

Nothing here reads the present source: titles, targets, recommended modes and lines of code are
those of the run's snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.advice.comparable_cells import ComparableCells, comparable_cells
from bench.analysis.cell_summary import CellSummary
from bench.analysis.results import Results
from bench.records.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that the criteria look at.

    `comparable` are the cells that count. `frameworks` maps the name of each framework that was
    compared to its title, in alphabetical order of the names. `left_out` says which cells do not
    count, and why.
    """

    results: Results
    comparable: Sequence[ComparableCells]
    frameworks: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @staticmethod
    def of(results: Results) -> Evidence:
        """The evidence of a run's results."""
        snapshot = results.snapshot
        comparable, left_out = comparable_cells(results)
        names = {*results.frameworks} - snapshot.references
        return Evidence(
            results=results,
            comparable=comparable,
            frameworks={name: snapshot.framework_title(name) for name in sorted(names)},
            left_out=tuple(left_out),
        )

    @property
    def snapshot(self) -> Snapshot:
        """The tasks and frameworks of the run as they were when it was measured."""
        return self.results.snapshot

    @property
    def completed(self) -> tuple[str, ...]:
        """Frameworks with at least one usable result."""
        names = {name for cells in self.comparable for name in cells.summaries}
        return tuple(name for name in self.frameworks if name in names)

    @property
    def compared(self) -> list[CellSummary]:
        """The summaries that count."""
        return [summary for cells in self.comparable for summary in cells.summaries.values()]

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.task for summary in self.results.summaries}))

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.device for summary in self.results.summaries}))

    @property
    def networks(self) -> set[str]:
        """The networks of the run's tasks."""
        tasks = [self.snapshot.task(name) for name in self.task_names]
        return {task.network for task in tasks if task}

    def title(self, framework: str) -> str:
        """A framework's title, also that of a reference."""
        return self.snapshot.framework_title(framework)

    def lines_of_code(self, framework: str, network: str) -> int | None:
        """Lines of code of a framework's model; None if the run does not record them."""
        snapshot = self.snapshot.framework(framework)
        model = snapshot.model(network) if snapshot else None
        return model.lines_of_code if model else None

    def installed_bytes(self, framework: str) -> int | None:
        """Bytes of a framework's packages on the disk; None if the run does not record them."""
        summaries = self.results.summaries
        device = summaries[0].cell.device if summaries else "cpu"
        sizes: Mapping[str, int] = self.results.run.info.get("installed_bytes", {})
        return sizes.get(f"{framework} {device}")
