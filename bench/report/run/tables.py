"""A frame's rows as tables for people; each form writes them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench.analysis import accuracy
from bench.analysis.cell_summary import CONDITIONS, CellSummary, conditions
from bench.core.record import Record
from bench.records.run_folder import Run
from bench.report.common.text import (
    bytes_text,
    count_text,
    framework_text,
    interval_text,
    mode_text,
    percent,
    place_text,
    ratio_text,
    seconds_text,
    task_text,
    too_wide,
)
from bench.report.run import notes, peak_text
from bench.report.run.verdicts import by_conditions, sentence

OF_PEAK = "of peak"

# What each column has, and how it is to be read, in the order in which they are shown.
ABOUT = {
    "rank": "1 more than the cells that are surely faster, and never before one that measured "
    "faster; `=` where tied with another; empty if not known",
    "framework": "whose adapter trained",
    "mode": "how it runs the network: eagerly, or compiled in one way or another",
    "status": "ok, or why there are no figures",
    "samples/s (95 % interval)": "training samples a second: median over the windows of a process, "
    "geometric mean of repeats",
    "relative (95 % interval)": "samples/s over those of the fastest under the same conditions: "
    "geometric mean of the ratios in each block",
    OF_PEAK: "model FLOPs a second over the machine's peak, and what bounds the cell",
    "test accuracy": "after the last epoch, median over repeats",
    "import": "importing the framework",
    "build": "making the network and its optimizer, and setting the weights; with what is imported "
    "only then: PyTorch's compiler, by its optimizers, in eager mode too",
    "first step": "the first training step: tracing, compiling, allocating",
    "memory": "the most memory that a process held; on a GPU, the most device memory that its "
    "tensors took",
}
HEADINGS = tuple(ABOUT)

# The figure of each heading, by which a reader may sort; `memory` is the column of `memory`.
FIGURES = (
    "rank",
    "framework",
    "mode",
    "status",
    "samples_per_second",
    "relative",
    "share_of_peak",
    "accuracy",
    "import_seconds",
    "build_seconds",
    "first_step_seconds",
    "memory",
)


def memory(row: dict[str, Any]) -> str:
    """The column that holds what a cell took of the memory that its framework computes in."""
    return "peak_device_bytes" if row["device"] == "cuda" else "peak_resident_bytes"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table for people, under `HEADINGS`."""

    def shown(name: str, write: Any) -> str:
        value = row[name]
        return "" if value is None or pd.isna(value) else write(value)

    def with_ends(name: str, write: Any) -> str:
        high = row[f"{name}_high"]
        if high is not None and too_wide(row[f"{name}_low"], high):
            return f"{shown(name, write)} (too wide)"
        ends = shown(f"{name}_low", write), shown(f"{name}_high", write)
        return interval_text(shown(name, write), *ends)

    return (
        row["rank"],
        framework_text(row["framework"]),
        mode_text(row["mode"], row["tuning"]),
        row["status"],
        with_ends("samples_per_second", count_text),
        with_ends("relative", ratio_text),
        shown("share_of_peak", lambda share: peak_text.share_text(share, row["bound"])),
        shown("accuracy", percent),
        shown("import_seconds", seconds_text),
        shown("build_seconds", seconds_text),
        shown("first_step_seconds", seconds_text),
        shown(memory(row), bytes_text),
    )


class TaskTable:
    """Cells to be compared, as people read them: a caption, rows under `HEADINGS`, footnotes.

    `figures` are the rows as they are in the frame, `cells` whose they are. `warnings` say what
    went wrong, `notes` what else is worth knowing.
    """

    def __init__(
        self,
        figures: Sequence[dict[str, Any]],
        records: Sequence[Record],
        *,
        verdict: str,
        chance: float | None,
    ) -> None:
        """A frame's rows and the records behind them, with what they tell in words.

        `chance` is the p-value of their final accuracies.
        """
        self.verdict = verdict[0].upper() + verdict[1:]
        self._chance = chance
        first = records[0]
        cell = first.job.cell
        budget = first.job.budget
        examples = f"{budget.train_examples:,}" if budget.train_examples else "all"
        epochs = "1 epoch" if budget.epochs == 1 else f"{budget.epochs} epochs"
        words = [f"batch {first.batch}", f"{epochs} of {examples} examples"]
        if budget.length:
            words.append(f"{budget.length} tokens")
        repeats = max(row["repeats"] for row in figures)
        words.append("1 repeat" if repeats == 1 else f"{repeats} repeats")
        counted = max(row["blocks"] for row in figures)
        if counted < repeats:
            words.append(f"paces of the {counted} that nothing disturbed")
        self.caption = (
            f"{cell.task}: {task_text(cell.task)} — {place_text(cell)} — {', '.join(words)}"
        )
        self.data = "; ".join(sorted({row["data"] for row in figures} - {""})) or "none"
        self.synthetic = "synthetic" in self.data
        of_data = {record.dataset["note"] for record in records if record.dataset}
        self.data_notes = "; ".join(sorted(of_data - {""}))
        self.figures = figures
        self.cells = [peak_text.cell_of(row) for row in figures]
        self.rows = [_cells(row) for row in figures]
        self.statuses = [row["status"] for row in figures]
        self.warnings = list(notes.warnings(figures))
        published = notes.published(cell.task, budget.length, figures)
        self.notes = [*notes.remarks(figures), *published]

    @property
    def data_line(self) -> str:
        """What the task was trained on, said so that nobody misses a synthetic twin."""
        if self.synthetic:
            return "data: SYNTHETIC, not the real data set"
        line = f"data: {self.data}" + f" ({self.data_notes})" * bool(self.data_notes)
        if "not official" in self.data:
            line += ": accuracies compare with each other, not with those published elsewhere"
        return line

    @property
    def accuracy_line(self) -> str:
        """Whether the final accuracies bear the proof out; empty where there is but one."""
        if self._chance is None:
            few = "accuracies: too few repeats to tell whether seeds explain how they differ"
            return few if self.statuses.count("ok") > 1 else ""
        sure = "more" if self._chance < accuracy.SURE else "no more"
        return (
            f"accuracies differ by {sure} than seeds explain: seeds alone make such differences in "
            f"{_chance_text(self._chance)} of tables (analysis of variance in blocks)"
        )


def _chance_text(chance: float) -> str:
    """A p-value as a share of cases."""
    if chance > 0.99:
        return "more than 99%"
    return f"{chance:.0%}" if chance >= 0.01 else f"{100 * chance:.1g}%"


def task_tables(run: Run, table: pd.DataFrame, summaries: Iterable[CellSummary]) -> list[TaskTable]:
    """One table for each set of conditions, in the order of the frame's rows."""
    verdicts = {where: sentence(group) for where, group in by_conditions(summaries).items()}
    chances = accuracy.p_values(run.records)
    records: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for record in run.records:
        records[conditions(record.job.cell)].append(record)
    figures: dict[tuple[object, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in table.to_dict("records"):
        figures[tuple(row[name] for name in CONDITIONS)].append(
            {str(key): value for key, value in row.items()}
        )
    made = []
    for where, rows in figures.items():
        cell = records[where][0].job.cell
        chance = chances.get((cell.task, cell.precision))
        made.append(TaskTable(rows, records[where], verdict=verdicts[where], chance=chance))
    return made
