"""From cells' summaries to tables. One DataFrame holds the figures; each form writes it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench import accuracy, catalogue, tasks
from bench.report.text import bytes_text, count_text, percent, seconds_text
from bench.stats import CellSummary, Spread
from bench.store import Run

# Figures of a cell, in the order of the CSV's columns; seconds, bytes, fractions of 1.
COLUMNS = (
    "task",
    "framework",
    "mode",
    "device",
    "precision",
    "threads",
    "feed",
    "status",
    "samples_per_second",
    "samples_per_second_low",
    "samples_per_second_high",
    "relative",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "training_seconds",
    "time_to_accuracy_seconds",
    "first_step_seconds",
    "import_seconds",
    "evaluation_samples_per_second",
    "peak_resident_bytes",
    "peak_device_bytes",
    "parameters",
    "repeats",
    "data",
    "reason",
)


def _spread(name: str, spread: Spread | None) -> dict[str, float | None]:
    if spread is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: spread.median, f"{name}_low": spread.low, f"{name}_high": spread.high}


def frame(summaries: Sequence[CellSummary]) -> pd.DataFrame:
    """One row a cell: by task, then device, then fastest first; what is not `ok` comes last.

    `relative` is the throughput over that of the fastest `ok` cell of the same task and device.
    """
    rows: list[dict[str, Any]] = [
        {
            **vars(one.cell),
            "status": one.status,
            **_spread("samples_per_second", one.throughput),
            **_spread("accuracy", one.accuracy),
            "training_seconds": one.training_seconds,
            "time_to_accuracy_seconds": one.time_to_accuracy,
            "first_step_seconds": one.first_step,
            "import_seconds": one.import_seconds,
            "evaluation_samples_per_second": one.evaluation,
            "peak_resident_bytes": one.peak_resident_bytes,
            "peak_device_bytes": one.peak_device_bytes,
            "parameters": one.parameters,
            "repeats": one.repeats,
            "data": one.data,
            "reason": one.reason,
        }
        for one in summaries
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    ok = table["status"] == "ok"
    fastest = table.where(ok).groupby(["task", "device"])["samples_per_second"].transform("max")
    table["relative"] = (table["samples_per_second"] / fastest).where(ok)
    table["rank"] = ok.map({True: 0, False: 1})
    table = table.sort_values(
        ["task", "device", "rank", "samples_per_second"],
        ascending=[True, True, True, False],
        kind="stable",
        key=lambda column: column.map(_task_order) if column.name == "task" else column,
    )
    return table.drop(columns="rank").reset_index(drop=True)


def _task_order(name: str) -> tuple[bool, str]:
    """Headline tasks first."""
    known = name in tasks.names()
    return (not (known and tasks.load(name).headline), name)


HEADINGS = (
    "framework",
    "mode",
    "status",
    "samples/s",
    "lowest–highest",
    "relative",
    "test accuracy",
    "first step",
    "import",
    "memory",
)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table for people, under `HEADINGS`."""

    def shown(name: str, write: Any) -> str:
        value = row[name]
        return "" if value is None or pd.isna(value) else write(value)

    low, high = (
        shown("samples_per_second_low", count_text),
        shown("samples_per_second_high", count_text),
    )
    memory = "peak_device_bytes" if row["device"] == "cuda" else "peak_resident_bytes"
    title = (
        catalogue.load(row["framework"]).title
        if row["framework"] in catalogue.names()
        else row["framework"]
    )
    return (
        title,
        row["mode"],
        row["status"],
        shown("samples_per_second", count_text),
        f"{low}–{high}" if low and row["repeats"] > 1 else "",
        shown("relative", lambda value: f"{value:.2f}"),
        shown("accuracy", percent),
        shown("first_step_seconds", seconds_text),
        shown("import_seconds", seconds_text),
        shown(memory, bytes_text),
    )


class TaskTable:
    """One task on one device, as people read it: a caption, rows under `HEADINGS`, footnotes."""

    def __init__(self, run: Run, task: str, device: str, rows: pd.DataFrame) -> None:
        records = [
            record
            for record in run.records
            if (record.job.cell.task, record.job.cell.device) == (task, device)
        ]
        first = records[0]
        title = tasks.load(task).title if task in tasks.names() else task
        budget = first.job.budget
        examples = f"{budget.train_examples:,}" if budget.train_examples else "all"
        epochs = "1 epoch" if budget.epochs == 1 else f"{budget.epochs} epochs"
        words = [f"batch {first.batch}", f"{epochs} of {examples} examples"]
        if budget.length:
            words.append(f"{budget.length} tokens")
        repeats = int(rows["repeats"].max())
        words.append("1 repeat" if repeats == 1 else f"{repeats} repeats")
        threads = first.job.cell.threads
        place = device if device == "cuda" else f"cpu, {threads} thread{'s' * (threads != 1)}"
        self.caption = f"{task}: {title} — {place} — {', '.join(words)}"
        self.data = "; ".join(sorted({label for label in rows["data"] if label})) or "none"
        self.synthetic = "synthetic" in self.data
        notes = {record.dataset["note"] for record in records if record.dataset}
        self.data_notes = "; ".join(sorted(notes - {""}))
        figures = rows.to_dict("records")
        self.rows = [_cells({str(key): value for key, value in row.items()}) for row in figures]
        self.statuses = list(rows["status"])
        self.notes = [
            f"{row['framework']} {row['mode']}: {row['status']}: {row['reason']}"
            for row in figures
            if row["status"] != "ok"
        ]
        self._chance = accuracy.smallest_p_value(records)

    @property
    def data_line(self) -> str:
        """What the task was trained on, said so that nobody misses a synthetic twin."""
        if self.synthetic:
            return "data: SYNTHETIC, not the real data set"
        return f"data: {self.data}" + f" ({self.data_notes})" * bool(self.data_notes)

    @property
    def accuracy_line(self) -> str:
        """Whether the final accuracies bear the proof out; empty where no cell was repeated."""
        if self._chance is None:
            return ""
        sure = "more" if self._chance < accuracy.SURE else "no more"
        return f"accuracies differ by {sure} than seeds explain (p = {self._chance:.2g})"


def task_tables(run: Run, table: pd.DataFrame) -> list[TaskTable]:
    """One table for each task and device, in the order of the rows."""
    groups = table.groupby(["task", "device"], sort=False)
    return [TaskTable(run, str(task), str(device), rows) for (task, device), rows in groups]
