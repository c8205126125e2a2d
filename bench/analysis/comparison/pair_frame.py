"""Pairs of cells as one DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import CellPair

if TYPE_CHECKING:
    import pandas as pd


def _side(name: str, summary: CellSummary | None) -> Iterator[tuple[str, object]]:
    """The figures of a cell in one run, as columns."""
    pace = summary.throughput if summary else None
    bounded = pace is not None and pace.known
    yield f"status_{name}", summary.status if summary else None
    yield f"repeats_{name}", summary.repeats if summary else None
    yield f"threads_{name}", summary.cell.threads if summary else None
    yield f"samples_per_second_{name}", pace.estimate if pace else None
    yield f"samples_per_second_low_{name}", pace.low if pace and bounded else None
    yield f"samples_per_second_high_{name}", pace.high if pace and bounded else None
    yield f"accuracy_{name}", summary.accuracy.median if summary and summary.accuracy else None
    yield f"first_step_seconds_{name}", summary.first_step if summary else None
    yield f"peak_resident_bytes_{name}", summary.peak_resident_bytes if summary else None
    yield f"peak_device_bytes_{name}", summary.peak_device_bytes if summary else None


def frame(pairs: Sequence[CellPair], outcomes: Sequence[str] = ()) -> pd.DataFrame:
    """Every figure, one row for each pair of cells; in seconds, bytes and fractions of 1.

    `ratio` is samples/s of B over samples/s of A, with the ends of its 95 % interval. Columns in
    `_a` and `_b` are the figures of each run. `outcomes` are a gate's, in the order of the pairs,
    if there is a gate. Unknown figures are missing values.
    """
    import pandas as pd  # only here: it takes half a second, and tables for people do not need it

    rows = []
    for index, pair in enumerate(pairs):
        cell, ratio = pair.cell, pair.ratio
        bounded = ratio is not None and ratio.known
        figures = {
            "task": cell.task,
            "framework": cell.framework,
            "mode": cell.mode,
            "device": cell.device,
            "precision": cell.precision,
            "feed": cell.feed,
            "tuning": cell.tuning,
            "verdict": pair.verdict,
            "ratio": ratio.estimate if ratio else None,
            "ratio_low": ratio.low if ratio and bounded else None,
            "ratio_high": ratio.high if ratio and bounded else None,
            "same_training": pair.same_training,
            "memory_ratio": pair.memory,
            "gate": outcomes[index] if outcomes else None,
            "reason": pair.reason,
        }
        sides = dict((*_side("a", pair.a), *_side("b", pair.b)))
        rows.append({**figures, **sides})
    return pd.DataFrame(rows).convert_dtypes()
