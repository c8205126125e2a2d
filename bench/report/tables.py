"""From cells' summaries to tables. One DataFrame holds the figures; each form writes it out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench import accuracy, tasks
from bench.core.record import Record
from bench.estimate import Interval
from bench.noise import MOST_CONTENDED
from bench.report import peak, words
from bench.report.text import (
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
)
from bench.stats import CONDITIONS, CellSummary, Spread, conditions
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
    "tuning",
    "status",
    "rank",
    "samples_per_second",
    "samples_per_second_low",
    "samples_per_second_high",
    "relative",
    "relative_low",
    "relative_high",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "training_seconds",
    "time_to_accuracy_seconds",
    "import_seconds",
    "build_seconds",
    "first_step_seconds",
    "warmup_seconds",
    "break_even_epochs",
    "tuned",
    "tuned_low",
    "tuned_high",
    "on_gpu",
    "on_gpu_low",
    "on_gpu_high",
    "reduced",
    "reduced_low",
    "reduced_high",
    "accuracy_change",
    "feed_share",
    "contended_share",
    "joules_per_sample",
    "device_joules_per_sample",
    "evaluation_samples_per_second",
    "peak_resident_bytes",
    "peak_device_bytes",
    "driver_device_bytes",
    "parameters",
    *peak.COLUMNS,
    "repeats",
    "blocks",
    "unsteady",
    "data",
    "gpu_others",
    "reason",
)


def _spread(name: str, spread: Spread | None) -> dict[str, float | None]:
    if spread is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: spread.median, f"{name}_low": spread.low, f"{name}_high": spread.high}


def _interval(name: str, interval: Interval | None) -> dict[str, float | None]:
    """An interval that is not known has no ends."""
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    ends = (interval.low, interval.high) if interval.known else (None, None)
    return {name: interval.estimate, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def frame(summaries: Sequence[CellSummary]) -> pd.DataFrame:
    """One row a cell: by conditions, then fastest first; what is not `ok` comes last.

    `_low` and `_high` are the ends of 95 % intervals, but for accuracy the lowest and highest.
    What depends on the machine's peak is left empty: `peak.with_use` fills it in.
    """
    rows: list[dict[str, Any]] = [
        {
            **vars(one.cell),
            "status": one.status,
            "rank": one.rank,
            **_interval("samples_per_second", one.throughput),
            **_interval("relative", one.relative),
            **_spread("accuracy", one.accuracy),
            "training_seconds": one.training_seconds,
            "time_to_accuracy_seconds": one.time_to_accuracy,
            "import_seconds": one.import_seconds,
            "build_seconds": one.build_seconds,
            "first_step_seconds": one.first_step,
            "warmup_seconds": one.warmup_seconds,
            "break_even_epochs": one.break_even,
            **_interval("tuned", one.tuned),
            **_interval("on_gpu", one.on_gpu),
            **_interval("reduced", one.reduced),
            "accuracy_change": one.accuracy_change,
            "feed_share": one.feed_share,
            "contended_share": one.contended,
            "joules_per_sample": one.joules,
            "device_joules_per_sample": one.device_joules,
            "unsteady": one.unsteady,
            "evaluation_samples_per_second": one.evaluation,
            "peak_resident_bytes": one.peak_resident_bytes,
            "peak_device_bytes": one.peak_device_bytes,
            "driver_device_bytes": one.driver_bytes,
            "gpu_others": "; ".join(one.gpu_others),
            "parameters": one.parameters,
            "repeats": one.repeats,
            "blocks": len(one.throughputs),
            "data": one.data,
            "reason": one.reason,
        }
        for one in summaries
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["last"] = table["status"] != "ok"
    table = table.sort_values(
        [*CONDITIONS, "last", "samples_per_second"],
        ascending=[True] * len(CONDITIONS) + [True, False],
        kind="stable",
        key=lambda column: column.map(_task_order) if column.name == "task" else column,
    )
    return table.drop(columns="last").reset_index(drop=True)


def _task_order(name: str) -> tuple[bool, str]:
    """Headline tasks first."""
    known = name in tasks.names()
    return (not (known and tasks.load(name).headline), name)


OF_PEAK = "of peak"
# An interval whose ends are this many times apart tells nothing: the CSV has its figures.
WIDEST = 100

# What each column has, and how it is to be read, in the order in which they are shown.
ABOUT = {
    "rank": "1 more than the cells that are surely faster; `=` where tied with another; empty if "
    "not known",
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
    "memory": "the most memory that a process held",
}
HEADINGS = tuple(ABOUT)

# The figure of each heading, by which a reader may sort.
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
    "peak_resident_bytes",
)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table for people, under `HEADINGS`."""

    def shown(name: str, write: Any) -> str:
        value = row[name]
        return "" if value is None or pd.isna(value) else write(value)

    def with_ends(name: str, write: Any) -> str:
        if row[f"{name}_high"] is not None and row[f"{name}_high"] > WIDEST * row[f"{name}_low"]:
            return f"{shown(name, write)} (too wide)"
        ends = shown(f"{name}_low", write), shown(f"{name}_high", write)
        return interval_text(shown(name, write), *ends)

    memory = "peak_device_bytes" if row["device"] == "cuda" else "peak_resident_bytes"
    return (
        row["rank"],
        framework_text(row["framework"]),
        mode_text(row["mode"], row["tuning"]),
        row["status"],
        with_ends("samples_per_second", count_text),
        with_ends("relative", ratio_text),
        shown("share_of_peak", lambda share: peak.share_text(share, row["bound"])),
        shown("accuracy", percent),
        shown("import_seconds", seconds_text),
        shown("build_seconds", seconds_text),
        shown("first_step_seconds", seconds_text),
        shown(memory, bytes_text),
    )


def _who(row: dict[Any, Any]) -> str:
    return f"{row['framework']} {mode_text(row['mode'], row['tuning'])}"


def _disturbed(row: dict[Any, Any]) -> str:
    return (
        f"{_who(row)}: {row['contended_share']:.0%} of its windows were contended: "
        "not to be trusted, measure again on a quiet machine"
    )


def _unsteady(row: dict[Any, Any]) -> str:
    processes = "process" if row["repeats"] == 1 else "processes"
    return (
        f"{_who(row)}: the pace had not settled by the end of its warm-up "
        f"in {row['unsteady']} of {row['repeats']} {processes}"
    )


def _gain(row: dict[Any, Any], name: str, what: str) -> str:
    ends = [
        "" if pd.isna(row[f"{name}_{end}"]) else ratio_text(row[f"{name}_{end}"])
        for end in ("low", "high")
    ]
    text = f"{_who(row)}: {interval_text(ratio_text(row[name]), *ends)} times as fast as {what}"
    change = f", accuracy {row['accuracy_change']:+.1%}" if name == "reduced" else ""
    return text + change


def _pays_off(row: dict[Any, Any]) -> str:
    epochs = row["break_even_epochs"]
    when = f"after {count_text(epochs)} such epochs" if epochs else "from the first step on"
    if 0 < epochs < 0.01:
        when = "within the first hundredth of such an epoch"
    if not math.isfinite(epochs):
        when = "never"
    return f"{_who(row)}: pays off against eager mode {when}"


# What a cell is held against that differs from it in one condition, by the ratio's column.
GAINS = {
    "tuned": "with the default tuning",
    "on_gpu": "on the CPU",
    "reduced": "in float32",
}


class TaskTable:
    """Cells to be compared, as people read them: a caption, rows under `HEADINGS`, footnotes.

    `figures` are the rows as they are in the frame, `cells` whose they are.
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
        notes = {record.dataset["note"] for record in records if record.dataset}
        self.data_notes = "; ".join(sorted(notes - {""}))
        self.figures = figures
        self.cells = [peak.cell_of(row) for row in figures]
        self.rows = [_cells(row) for row in figures]
        self.statuses = [row["status"] for row in figures]
        self.notes = [
            f"{_who(row)}: {row['status']}: {row['reason']}"
            for row in figures
            if row["status"] != "ok"
        ]
        self.notes += [
            _disturbed(row) for row in figures if (row["contended_share"] or 0) > MOST_CONTENDED
        ]
        self.notes += [
            f"{_who(row)}: the GPU was also used by {row['gpu_others']}: not to be trusted, "
            "measure again with nothing else on it"
            for row in figures
            if row["gpu_others"]
        ]
        self.notes += [_unsteady(row) for row in figures if row["unsteady"]]
        for name, what in GAINS.items():
            self.notes += [_gain(row, name, what) for row in figures if not pd.isna(row[name])]
        self.notes += [_pays_off(row) for row in figures if not pd.isna(row["break_even_epochs"])]

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


def task_tables(run: Run, table: pd.DataFrame, summaries: Iterable[CellSummary]) -> list[TaskTable]:
    """One table for each set of conditions, in the order of the frame's rows."""
    verdicts = {
        where: words.sentence(group) for where, group in words.by_conditions(summaries).items()
    }
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
