"""The sections of a run's page: each table with its rows, charts and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.processes import Process
from bench.analysis.results import Results
from bench.core.record import Cell
from bench.report.common.plotting import Chart, ChartedTable
from bench.report.run.charts import charts
from bench.report.run.tables import TableRow, TaskTable, task_tables
from bench.report.run.written_forms import WrittenPart

# Columns of the list of records.
RECORD_HEADINGS = (
    "line",
    "cell",
    "block",
    "seed",
    "status",
    "samples/s",
    "test metric",
    "contended windows",
    "started",
)


@dataclass(frozen=True, kw_only=True)
class NumberedRow:
    """A row of a table, with the number of its cell in the page."""

    number: int
    row: TableRow

    @property
    def cell(self) -> Cell:
        """The row's cell, by which the page filters."""
        return self.row.summary.cell


@dataclass(frozen=True, kw_only=True)
class RunSection:
    """One table of a run with its charts and records.

    `anchor` is its id in the page; `first` says whether it is the first section of its task.
    `more_charts` are shown when they are asked for. `written` is None where no network has written
    anything.
    """

    anchor: str
    first: bool
    table: TaskTable
    rows: Sequence[NumberedRow]
    charts: Sequence[Chart]
    more_charts: Sequence[Chart]
    written: WrittenPart | None
    records: Sequence[Sequence[object]]

    @property
    def task(self) -> str:
        """The task's name."""
        return self.table.table.task


def section_anchor(number: int) -> str:
    """The id of a section in the page, by the number of its table from 0."""
    return f"table-{number + 1}"


def sections(results: Results) -> list[RunSection]:
    """A section for each set of cells that can be compared, headline tasks first."""
    numbers = {summary.cell: number for number, summary in enumerate(results.summaries)}
    by_table: list[RunSection] = []
    for table in task_tables(results):
        compared = table.table
        drawn = charts(ChartedTable.of(compared, results.snapshot))
        by_table.append(
            RunSection(
                anchor=section_anchor(len(by_table)),
                first=all(section.task != compared.task for section in by_table),
                table=table,
                rows=[NumberedRow(number=numbers[row.summary.cell], row=row) for row in table.rows],
                charts=[chart for chart in drawn if chart.main],
                more_charts=[chart for chart in drawn if not chart.main],
                written=WrittenPart.of(compared, results),
                records=[_record_row(process, numbers) for process in compared.processes],
            )
        )
    return by_table


def _record_row(process: Process, numbers: Mapping[Cell, int]) -> list[object]:
    """A process's figures under `RECORD_HEADINGS`; its cell is its number in the page."""
    record = process.record
    job, measurement = record.job, record.measurement
    figures: list[object] = ["", "", ""]
    if measurement and process.throughput is not None:
        figures = [
            round(process.throughput, 1),
            measurement.evaluations[-1].metric,
            round(process.contended_share, 3),
        ]
    cell = numbers[job.cell]
    return [process.line, cell, job.block + 1, job.seed, record.status, *figures, record.started]
