"""What a report says of each cell's use of the machine, and of the machine's peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench import tasks
from bench.analysis.roofline import Peak, Rates, peaks, rates_text, use
from bench.core.cost import step_bytes, training_flops
from bench.core.record import Cell
from bench.records.run_folder import Run
from bench.report.common.text import framework_text

COLUMNS = ("flops_per_example", "share_of_peak", "memory_share", "bound")


def _peaks(run: Run) -> dict[tuple[str, int], Peak]:
    """A run's peaks by device and threads; none where it was made before they were measured."""
    return peaks(Rates.from_fields(one) for one in run.info.get("rates", []))


def cell_of(row: Mapping[Any, Any]) -> Cell:
    """The cell of a frame's row."""
    return Cell.from_columns(row)


def with_use(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """A frame as `frame.frame` makes it, with `COLUMNS` filled in."""
    lengths = {record.job.cell: record.job.budget.length for record in run.records}
    measured = _peaks(run)
    rows = []
    for row in table.to_dict("records"):
        cell = cell_of(row)
        rows.append(_figures(row, cell, lengths[cell], measured))
    filled = table.copy()
    for name in COLUMNS:
        filled[name] = [row.get(name) for row in rows]
    return filled


def _figures(
    row: dict[Any, Any], cell: Cell, length: int | None, measured: dict[tuple[str, int], Peak]
) -> dict[str, Any]:
    """A row's `COLUMNS`, as far as they are known; `length` is that of a text task's sequences.

    What is not ok does not do the task's work, and has no share. Nor has what is not trained in
    float32, in which the peak is measured.
    """
    if cell.task not in tasks.names():
        return {}
    task = tasks.load(cell.task)
    if length:
        task = task.with_length(length)
    figures: dict[str, Any] = {"flops_per_example": training_flops(task)}
    peak = measured.get((cell.device, cell.threads))
    if peak and row["status"] == "ok" and cell.precision == "float32":
        found = use(
            row["samples_per_second"],
            flops=training_flops(task),
            moved=step_bytes(task) / task.batch,
            peak=peak,
        )
        figures["share_of_peak"] = found.share
        figures["memory_share"] = found.memory_share
        figures["bound"] = found.bound
    return figures


def share_text(share: float, bound: str) -> str:
    """A share of peak with what bounds it: 12% overhead."""
    if share < 0.0005:
        return f"<0.1% {bound}"
    return f"{share:.{0 if share >= 0.0995 else 1}%} {bound}"


def peak_lines(run: Run) -> list[str]:
    """What the shares are of, a line for each device and number of threads."""
    lines = []
    for (device, threads), peak in _peaks(run).items():
        place = f"{device}, {threads} thread{'s' * (threads != 1)}" if device == "cpu" else device
        product, memory = rates_text(peak.matmul, peak.memory)
        lines.append(
            f"peak ({place}): {product} of float32 matrix product in "
            f"{framework_text(peak.matmul_by)}, "
            f"{memory} of memory in {framework_text(peak.memory_by)}"
        )
    return lines
