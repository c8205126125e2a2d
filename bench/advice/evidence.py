"""The part of a run that advice rests on: its cells, and what was known of what they measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import tasks
from bench.advice.comparable_cells import ComparableCells, comparable_cells
from bench.analysis import cell_summary
from bench.analysis.cell_summary import CellSummary
from bench.launch import catalogue
from bench.records.code_lines import code_lines
from bench.records.run_folder import Run, part


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
        cells = cell_summary.summarize(chosen.records)
        comparable, left_out = comparable_cells(chosen.records, cells, _recommended)
        names = {summary.cell.framework for summary in cells}
        return Evidence(
            run=chosen,
            cells=cells,
            comparable=comparable,
            frameworks={name: _title(name) for name in sorted(names) if not _is_reference(name)},
            left_out=tuple(left_out),
        )

    @property
    def completed(self) -> tuple[str, ...]:
        """Frameworks with at least one usable result."""
        names = {name for cells in self.comparable for name in cells.summaries}
        return tuple(name for name in self.frameworks if name in names)

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.task for summary in self.cells}))

    @property
    def networks(self) -> set[str]:
        """The networks of the run's tasks."""
        return {tasks.load(name).network for name in self.task_names if name in tasks.names()}

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(sorted({summary.cell.device for summary in self.cells}))

    def title(self, framework: str) -> str:
        """A framework's title, the references included."""
        return self.frameworks.get(framework) or _title(framework)

    def target(self, task: str) -> float | None:
        """A task's target accuracy; None if the run does not say."""
        return tasks.load(task).target_accuracy if task in tasks.names() else None

    def is_headline(self, task: str) -> bool:
        """Whether a task is one of the headline tasks."""
        return task in tasks.names() and tasks.load(task).headline

    def code_lines(self, framework: str, network: str) -> int | None:
        """Lines of code of a framework's model; None where it has none."""
        file = catalogue.FRAMEWORKS / framework / "models" / f"{network}.py"
        return code_lines(file.read_text(encoding="utf-8")) if file.is_file() else None

    def installed_bytes(self, framework: str) -> int | None:
        """Bytes of a framework's packages on the disk; None if the run does not say."""
        device = self.cells[0].cell.device if self.cells else "cpu"
        sizes: Mapping[str, int] = self.run.info.get("installed_bytes", {})
        return sizes.get(f"{framework} {device}")


def _title(name: str) -> str:
    return catalogue.load(name).title if name in catalogue.names() else name


def _recommended(name: str) -> str:
    return catalogue.load(name).recommended if name in catalogue.names() else ""


def _is_reference(name: str) -> bool:
    return name in catalogue.names() and catalogue.load(name).reference
