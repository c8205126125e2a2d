"""Pairs of cells as one DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.analysis.cell_frame import interval_columns, row
from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import CellPair

if TYPE_CHECKING:
    import pandas as pd


# The columns of `cell_frame` that are shown for each run.
SIDE_COLUMNS = (
    "status",
    "repeats",
    "threads",
    "samples_per_second",
    "samples_per_second_low",
    "samples_per_second_high",
    "metric",
    "first_step_seconds",
    "peak_resident_bytes",
    "peak_device_bytes",
)


def _side(name: str, summary: CellSummary | None) -> dict[str, object]:
    """The figures of a cell in one run, as columns."""
    figures = row(summary) if summary else {}
    return {f"{column}_{name}": figures.get(column) for column in SIDE_COLUMNS}


def frame(pairs: Sequence[CellPair], outcomes: Sequence[str] = ()) -> pd.DataFrame:
    """Every figure, one row for each pair of cells; in seconds, bytes and fractions of 1.

    `ratio` is samples/s of B over samples/s of A, with the ends of its 95 % interval. Columns in
    `_a` and `_b` are the figures of each run. `outcomes` are a gate's, in the order of the pairs,
    if there is a gate. Unknown figures are missing values.
    """
    import pandas as pd  # only here: it takes half a second, and tables for people do not need it

    rows = []
    for index, pair in enumerate(pairs):
        cell = pair.cell
        figures = {
            "task": cell.task,
            "framework": cell.framework,
            "mode": cell.mode,
            "device": cell.device,
            "precision": cell.precision,
            "feed": cell.feed,
            "tuning": cell.tuning,
            "verdict": pair.verdict,
            **interval_columns("ratio", pair.ratio),
            "same_training": pair.same_training,
            "memory_ratio": pair.memory,
            "gate": outcomes[index] if outcomes else None,
            "reason": pair.reason,
        }
        rows.append({**figures, **_side("a", pair.a), **_side("b", pair.b)})
    return pd.DataFrame(rows).convert_dtypes()
