"""A comparison of two runs as one self-contained page: a chart of ratios and a table for a task."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.comparison.cell_pairs import CellPair
from bench.analysis.comparison.gate import Gate, GateOutcome
from bench.analysis.comparison.run_comparison import Comparison
from bench.report.common.pages import render
from bench.report.common.plotting import Chart, Dots, Marks, distinct_labels, dots, layout
from bench.report.common.text import mode_text, ratio_text
from bench.report.comparison.comparison_forms import HEADINGS, WORDS, ComparisonSection, sections
from bench.report.comparison.comparison_lines import (
    footer,
    gate_lines,
    gate_verdict,
    head,
    warnings,
)

_STYLES: Mapping[GateOutcome, str] = {"passed": "ok", "failed": "bad", "undecided": ""}


def comparison_page(comparison: Comparison, gate: Gate | None) -> str:
    """The page: the gate's outcome first, then what has changed, then each task."""
    first, second, summary = head(comparison)
    marks = Marks(compared=comparison.b.snapshot.compared)
    return render(
        "compare.html.j2",
        title=f"{comparison.a.run.folder.name} and {comparison.b.run.folder.name}",
        runs=(first, second),
        summary=summary,
        gate={
            "verdict": gate_verdict(gate),
            "style": _STYLES[gate.outcome],
            "lines": gate_lines(gate),
        }
        if gate
        else None,
        warnings=warnings(comparison),
        headings=HEADINGS,
        words=WORDS,
        sections=[
            {
                "caption": section.caption,
                "rows": section.texts,
                "chart": _chart(section, comparison, marks),
            }
            for section in sections(comparison)
        ],
        notes=footer(comparison),
    )


def _chart(section: ComparisonSection, comparison: Comparison, marks: Marks) -> Chart:
    """The ratio of each pair with its interval."""
    pairs = [pair for pair in section.pairs if pair.ratio]
    labels = distinct_labels({pair.cell: _name(pair, comparison) for pair in pairs})
    axes = layout("samples/s of B over A", categories=max(1, len(pairs)))
    line = {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1}
    axes["shapes"] = [{**line, "line": {"dash": "dot", "color": "#888888"}}]
    return Chart(
        title="B over A",
        about="Right of 1, B is faster. Bars are 95 % intervals.",
        spec={
            "data": dots(labels, marks, map(_dots, pairs), ratio_text, "times A's pace"),
            "layout": axes,
        },
    )


def _name(pair: CellPair, comparison: Comparison) -> str:
    title = comparison.framework_title(pair.cell.framework)
    return f"{title} {mode_text(pair.cell.mode, pair.cell.tuning)}"


def _dots(pair: CellPair) -> Dots:
    assert pair.ratio
    ends = (pair.ratio.low, pair.ratio.high) if pair.ratio.known else None
    return Dots(cell=pair.cell, middle=pair.ratio.estimate, ends=ends, repeats=[])
