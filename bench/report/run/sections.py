"""A run's report in parts: for each table its verdict, rows, charts and records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench import tasks
from bench.analysis import contention
from bench.analysis.cell_summary import CellSummary, conditions
from bench.analysis.processes import throughput
from bench.core.record import Cell, Record
from bench.records.run_folder import Run
from bench.report.common.plotting import Chart, Group
from bench.report.run import verdicts
from bench.report.run.charts import charts
from bench.report.run.frame import frame
from bench.report.run.peak_text import with_use
from bench.report.run.tables import FIGURES, TaskTable, memory, task_tables

# Columns of the list of records.
RECORD_HEADINGS = (
    "line",
    "cell",
    "block",
    "seed",
    "status",
    "samples/s",
    "test accuracy",
    "contended windows",
    "started",
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A cell's row of a table: its texts, what each sorts by, and what filters go by."""

    number: int
    cell: Cell
    status: str
    texts: Sequence[str]
    sorts: Sequence[object]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table of a run with its charts and records; `first` of its task's."""

    name: str
    task: str
    first: bool
    table: TaskTable
    rows: Sequence[Row]
    charts: Sequence[Chart]
    records: Sequence[Sequence[object]]


def _sorts(figures: dict[str, Any]) -> list[object]:
    """What a row sorts by under each heading; "" where it has no figure, which comes last."""
    found = []
    for name in FIGURES:
        value = figures[memory(figures) if name == "memory" else name]
        if name == "rank":
            value = int(value.rstrip("=")) if value else None
        found.append("" if value is None or pd.isna(value) else value)
    return found


def _record_row(number: int, record: Record, cell: int) -> list[object]:
    """One process: its line in records.jsonl, what it was, and what came of it."""
    job, measured = record.job, record.measurement
    figures: list[object] = ["", "", ""]
    if measured:
        marks = contention.contended(record)
        pace, share = throughput(record, marks), contention.share(marks)
        figures = [round(pace, 1), measured.evaluations[-1].accuracy, round(share, 3)]
    return [number, cell, job.block + 1, job.seed, record.status, *figures, record.started]


def _section(
    name: str,
    table: TaskTable,
    group: Group,
    numbers: Mapping[Cell, int],
    records: Sequence[tuple[int, Record]],
    *,
    first: bool,
) -> Section:
    task = table.cells[0].task
    use = {
        cell: (figures["share_of_peak"], figures["bound"])
        for cell, figures in zip(table.cells, table.figures, strict=True)
        if isinstance(figures["bound"], str)
    }
    rows = [
        Row(number=numbers[cell], cell=cell, status=status, texts=texts, sorts=_sorts(figures))
        for cell, status, texts, figures in zip(
            table.cells, table.statuses, table.rows, table.figures, strict=True
        )
    ]
    return Section(
        name=name,
        task=task,
        first=first,
        table=table,
        rows=rows,
        charts=charts(group, use),
        records=[
            _record_row(number, record, numbers[record.job.cell]) for number, record in records
        ],
    )


def sections(run: Run, summaries: Sequence[CellSummary]) -> list[Section]:
    """A section for each set of cells that can be compared, headline tasks first."""
    grouped = verdicts.by_conditions(summaries)
    numbers = {one.cell: number for number, one in enumerate(summaries)}
    by_cell: dict[Cell, list[Record]] = defaultdict(list)
    by_table: dict[tuple[object, ...], list[tuple[int, Record]]] = defaultdict(list)
    for number, record in enumerate(run.records, start=1):
        by_cell[record.job.cell].append(record)
        by_table[conditions(record.job.cell)].append((number, record))
    found: list[Section] = []
    for table in task_tables(run, with_use(frame(summaries), run), summaries):
        where = conditions(table.cells[0])
        task = table.cells[0].task
        target = tasks.load(task).target_accuracy if task in tasks.names() else None
        group = Group(cells=grouped[where], records=by_cell, target=target)
        name = f"table-{len(found) + 1}"
        first = all(one.task != task for one in found)
        found.append(_section(name, table, group, numbers, by_table[where], first=first))
    return found
