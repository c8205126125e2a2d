"""From cells' summaries to one DataFrame, which holds every figure that a table or a file shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench import tasks
from bench.analysis.cell_summary import CONDITIONS, CellSummary, Spread
from bench.analysis.intervals import Interval
from bench.report.run import peak_text

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
    *peak_text.COLUMNS,
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
            **one.cell.to_columns(),
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
