"""A run's results as one DataFrame, for files and for users of pandas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.analysis.cell_summary import CellSummary, Spread
from bench.analysis.intervals import Interval
from bench.core.framework_name import variant_of

if TYPE_CHECKING:
    import pandas as pd

# Figures of a cell, in the order of the columns; seconds, bytes, fractions of 1.
COLUMNS = (
    "task",
    "framework",
    "mode",
    "device",
    "precision",
    "threads",
    "feed",
    "variant",
    "workload",
    "batch",
    "tuning",
    "status",
    "rank",
    "among_fastest",
    "samples_per_second",
    "samples_per_second_low",
    "samples_per_second_high",
    "relative",
    "relative_low",
    "relative_high",
    "metric_name",
    "metric",
    "metric_low",
    "metric_high",
    "training_seconds",
    "time_to_target_seconds",
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
    "metric_change",
    "feed_share",
    "contended_share",
    "joules_per_sample",
    "device_joules_per_sample",
    "evaluation_samples_per_second",
    "peak_resident_bytes",
    "peak_device_bytes",
    "driver_device_bytes",
    "parameters",
    "flops_per_example",
    "share_of_peak",
    "memory_share",
    "bound",
    "repeats",
    "blocks",
    "unsteady",
    "data",
    "gpu_others",
    "reason",
)


def frame(summaries: Iterable[CellSummary]) -> pd.DataFrame:
    """Every figure of these cells, one row for each cell in their order.

    Columns in `_low` and `_high` are the ends of 95 % intervals, each for one ratio alone; for the
    metric, the lowest and the highest repeat. `rank` and `among_fastest` hold at 95 % for all cells
    of a table together. Unknown figures are missing values.
    """
    import pandas as pd  # only here: it takes half a second, and tables for people do not need it

    return pd.DataFrame([row(summary) for summary in summaries], columns=list(COLUMNS))


def row(summary: CellSummary) -> dict[str, Any]:
    """A cell's figures by `COLUMNS`."""
    use = summary.use
    return {
        **summary.cell.to_columns(),
        "variant": variant_of(summary.cell.framework),
        "status": summary.status,
        "rank": summary.rank,
        "among_fastest": summary.among_fastest,
        **interval_columns("samples_per_second", summary.throughput),
        **interval_columns("relative", summary.relative),
        "metric_name": summary.metric_name,
        **_spread("metric", summary.metric),
        "training_seconds": summary.training_seconds,
        "time_to_target_seconds": summary.time_to_target,
        "import_seconds": summary.import_seconds,
        "build_seconds": summary.build_seconds,
        "first_step_seconds": summary.first_step,
        "warmup_seconds": summary.warmup_seconds,
        "break_even_epochs": summary.break_even,
        **interval_columns("tuned", summary.tuned),
        **interval_columns("on_gpu", summary.on_gpu),
        **interval_columns("reduced", summary.reduced),
        "metric_change": summary.metric_change,
        "feed_share": summary.feed_share,
        "contended_share": summary.contended,
        "joules_per_sample": summary.joules,
        "device_joules_per_sample": summary.device_joules,
        "evaluation_samples_per_second": summary.evaluation,
        "peak_resident_bytes": summary.peak_resident_bytes,
        "peak_device_bytes": summary.peak_device_bytes,
        "driver_device_bytes": summary.driver_bytes,
        "parameters": summary.parameters,
        "flops_per_example": summary.flops_per_example,
        "share_of_peak": use.share if use else None,
        "memory_share": use.memory_share if use else None,
        "bound": use.bound if use else None,
        "repeats": summary.repeats,
        "blocks": len(summary.throughputs),
        "unsteady": summary.unsteady,
        "data": summary.data,
        "gpu_others": "; ".join(summary.gpu_others),
        "reason": summary.reason,
    }


def _spread(name: str, spread: Spread | None) -> dict[str, float | None]:
    if spread is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: spread.median, f"{name}_low": spread.low, f"{name}_high": spread.high}


def interval_columns(name: str, interval: Interval | None) -> dict[str, float | None]:
    """An estimate and the ends of its interval, which are None if the interval is unknown."""
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    ends = (interval.low, interval.high) if interval.known else (None, None)
    return {name: interval.estimate, f"{name}_low": ends[0], f"{name}_high": ends[1]}
