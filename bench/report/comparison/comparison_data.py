"""A comparison of two runs as programs read it: CSV and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.gate import Gate
from bench.analysis.comparison.pair_frame import frame
from bench.analysis.comparison.run_comparison import Comparison
from bench.analysis.comparison.run_differences import peak_changes
from bench.report.common import programs

if TYPE_CHECKING:
    import pandas as pd


def _frame(comparison: Comparison, gate: Gate | None) -> pd.DataFrame:
    outcomes = [judgement.outcome for judgement in gate.judgements] if gate else ()
    return frame(comparison.pairs, outcomes)


def to_csv(comparison: Comparison, gate: Gate | None) -> str:
    """Every figure, one line for each pair."""
    return programs.to_csv(_frame(comparison, gate))


def to_json(comparison: Comparison, gate: Gate | None) -> str:
    """Both runs' descriptions, every figure of every pair, the differences, and the gate."""
    cells = json.loads(_frame(comparison, gate).to_json(orient="records"))
    fields = {
        "a": _described(comparison.a),
        "b": _described(comparison.b),
        "summary": str(comparison),
        "mean_ratio": comparison.mean_ratio,
        "comparisons": len(comparison.compared),
        "differences": {
            difference.kind: list(difference.what) for difference in comparison.differences
        },
        "remarks": [*comparison.remarks, *filter(None, [comparison.moved_alike])],
        "caveats": [str(caveat) for caveat in comparison.caveats],
        "peaks": peak_changes(comparison.a.peaks, comparison.b.peaks),
        "cells": cells,
        "gate": {
            "limit": gate.limit,
            "outcome": gate.outcome,
            "more_blocks": gate.more_blocks,
            "judgements": [
                {
                    "cell": str(judgement.pair.cell),
                    "outcome": judgement.outcome,
                    "why": judgement.why,
                    "more_blocks": judgement.more_blocks,
                }
                for judgement in gate.judgements
            ],
        }
        if gate
        else None,
    }
    return programs.to_json(fields)


def _described(side: ComparedRun) -> dict[str, object]:
    fields = ("name", "started", "framebench", "machine", "command")
    return {
        **{name: side.run.info.get(name) for name in fields},
        "finished": side.run.finished,
        "contention": str(side.cleanness),
    }
