"""Two runs side by side, as programs read them: CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import Comparison
from bench.analysis.comparison.gate import Gate
from bench.analysis.comparison.run_differences import peak_changes
from bench.analysis.contention import Cleanness
from bench.records.run_folder import Run


def _side(name: str, one: CellSummary | None) -> Iterator[tuple[str, object]]:
    """The figures of a cell in one run, as columns."""
    pace = one.throughput if one else None
    known = pace is not None and pace.known
    yield f"status_{name}", one.status if one else None
    yield f"repeats_{name}", one.repeats if one else None
    yield f"threads_{name}", one.cell.threads if one else None
    yield f"samples_per_second_{name}", pace.estimate if pace else None
    yield f"samples_per_second_low_{name}", pace.low if pace and known else None
    yield f"samples_per_second_high_{name}", pace.high if pace and known else None
    yield f"accuracy_{name}", one.accuracy.median if one and one.accuracy else None
    yield f"first_step_seconds_{name}", one.first_step if one else None
    yield f"peak_resident_bytes_{name}", one.peak_resident_bytes if one else None
    yield f"peak_device_bytes_{name}", one.peak_device_bytes if one else None


def frame(comparison: Comparison, gate: Gate | None) -> pd.DataFrame:
    """Every figure, a row a cell; seconds, bytes, fractions of 1; None where there is none."""
    rows = []
    for index, row in enumerate(comparison.rows):
        cell, ratio = row.cell, row.ratio
        known = ratio is not None and ratio.known
        figures = {
            "task": cell.task,
            "framework": cell.framework,
            "mode": cell.mode,
            "device": cell.device,
            "precision": cell.precision,
            "feed": cell.feed,
            "tuning": cell.tuning,
            "verdict": row.verdict,
            "ratio": ratio.estimate if ratio else None,
            "ratio_low": ratio.low if ratio and known else None,
            "ratio_high": ratio.high if ratio and known else None,
            "same_training": row.same_training,
            "memory_ratio": row.memory,
            "gate": gate.judgements[index].outcome if gate else None,
            "reason": row.reason,
        }
        sides = dict((*_side("a", row.a), *_side("b", row.b)))
        rows.append({**figures, **sides})
    return pd.DataFrame(rows).convert_dtypes()


def to_csv(comparison: Comparison, gate: Gate | None) -> str:
    """Every figure, one line a cell, to the 9 digits on which all machines agree."""
    return frame(comparison, gate).to_csv(index=False, float_format="%.9g")


def to_json(comparison: Comparison, gate: Gate | None) -> str:
    """Both runs' descriptions, every figure of every cell, what differs, what the gate says."""
    cells = json.loads(frame(comparison, gate).to_json(orient="records"))
    fields = {
        "a": _described(comparison.a),
        "b": _described(comparison.b),
        "summary": str(comparison),
        "mean_ratio": comparison.mean_ratio,
        "comparisons": len(comparison.compared),
        "differences": {one.kind: list(one.what) for one in comparison.differences},
        "remarks": [*comparison.remarks, *filter(None, [comparison.moved_alike])],
        "peaks": peak_changes(comparison.a, comparison.b),
        "cells": cells,
        "gate": {
            "limit": gate.limit,
            "passed": gate.passed,
            "judgements": [
                {"cell": str(one.row.cell), "outcome": one.outcome, "why": one.why}
                for one in gate.judgements
            ],
        }
        if gate
        else None,
    }
    return json.dumps(fields, indent=2, allow_nan=False)


def _described(run: Run) -> dict[str, object]:
    told = ("name", "started", "framebench", "machine", "command")
    return {
        **{name: run.info.get(name) for name in told},
        "finished": "wall_seconds" in run.info,
        "contention": str(Cleanness.of(run.records)),
    }
