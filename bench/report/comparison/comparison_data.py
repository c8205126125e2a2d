"""A comparison of two runs as programs read it: CSV, JSON and a data frame."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import Comparison
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.gate import Gate
from bench.analysis.comparison.run_differences import peak_changes


def _side(name: str, summary: CellSummary | None) -> Iterator[tuple[str, object]]:
    """The figures of a cell in one run, as columns."""
    pace = summary.throughput if summary else None
    known = pace is not None and pace.known
    yield f"status_{name}", summary.status if summary else None
    yield f"repeats_{name}", summary.repeats if summary else None
    yield f"threads_{name}", summary.cell.threads if summary else None
    yield f"samples_per_second_{name}", pace.estimate if pace else None
    yield f"samples_per_second_low_{name}", pace.low if pace and known else None
    yield f"samples_per_second_high_{name}", pace.high if pace and known else None
    yield f"accuracy_{name}", summary.accuracy.median if summary and summary.accuracy else None
    yield f"first_step_seconds_{name}", summary.first_step if summary else None
    yield f"peak_resident_bytes_{name}", summary.peak_resident_bytes if summary else None
    yield f"peak_device_bytes_{name}", summary.peak_device_bytes if summary else None


def frame(comparison: Comparison, gate: Gate | None) -> pd.DataFrame:
    """Every figure, one row for each pair of cells; seconds, bytes and fractions of 1."""
    rows = []
    for index, pair in enumerate(comparison.pairs):
        cell, ratio = pair.cell, pair.ratio
        known = ratio is not None and ratio.known
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
            "ratio_low": ratio.low if ratio and known else None,
            "ratio_high": ratio.high if ratio and known else None,
            "same_training": pair.same_training,
            "memory_ratio": pair.memory,
            "gate": gate.judgements[index].outcome if gate else None,
            "reason": pair.reason,
        }
        sides = dict((*_side("a", pair.a), *_side("b", pair.b)))
        rows.append({**figures, **sides})
    return pd.DataFrame(rows).convert_dtypes()


def to_csv(comparison: Comparison, gate: Gate | None) -> str:
    """Every figure, one line for each pair, to the 9 digits on which all machines agree."""
    return frame(comparison, gate).to_csv(index=False, float_format="%.9g")


def to_json(comparison: Comparison, gate: Gate | None) -> str:
    """Both runs' descriptions, every figure of every pair, the differences, and the gate."""
    cells = json.loads(frame(comparison, gate).to_json(orient="records"))
    fields = {
        "a": _described(comparison.a),
        "b": _described(comparison.b),
        "summary": str(comparison),
        "mean_ratio": comparison.mean_ratio,
        "comparisons": len(comparison.compared),
        "differences": {each.kind: list(each.what) for each in comparison.differences},
        "remarks": [*comparison.remarks, *filter(None, [comparison.moved_alike])],
        "caveats": [str(caveat) for caveat in comparison.caveats],
        "peaks": peak_changes(comparison.a.peaks, comparison.b.peaks),
        "cells": cells,
        "gate": {
            "limit": gate.limit,
            "passed": gate.passed,
            "judgements": [
                {"cell": str(each.pair.cell), "outcome": each.outcome, "why": each.why}
                for each in gate.judgements
            ],
        }
        if gate
        else None,
    }
    return json.dumps(fields, indent=2, allow_nan=False)


def _described(side: ComparedRun) -> dict[str, object]:
    fields = ("name", "started", "framebench", "machine", "command")
    return {
        **{name: side.run.info.get(name) for name in fields},
        "finished": "wall_seconds" in side.run.info,
        "contention": str(side.cleanness),
    }
