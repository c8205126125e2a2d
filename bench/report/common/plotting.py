"""What charts are made of: traces, markers, axes and rows, as plotly's plain data.

Colours of text and background and the sizes are the page's, so that they follow its light and dark
modes. A framework has one colour and a mode one symbol and dash in every chart, so that no reader
depends on colours alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.cell_summary import CellSummary
from bench.core.record import Cell, Record
from bench.launch import catalogue
from bench.report.run.verdicts import labels

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
DASHES = {"eager": "solid", "compiled": "dash", "xla": "dot"}
SYMBOLS = {"eager": "circle", "compiled": "diamond", "xla": "square"}
# d3's format of ticks: with as many digits as neighbours need to differ.
PERCENT = "~%"
# Curves that coincide are drawn from wide to narrow, so that each can be seen.
WIDEST, NARROWEST = 9.0, 1.5

Spec = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A heading, what is seen in words, and the figure: `data` and `layout` as plotly has them."""

    title: str
    about: str
    spec: Spec


def colour(framework: str) -> str:
    """A framework's colour, the same on every page."""
    known = catalogue.compared()
    return COLOURS[known.index(framework) % len(COLOURS)] if framework in known else "#777777"


def width(order: int, of: int) -> float:
    """The line width of the curve that is drawn as number `order`, from 0."""
    return WIDEST - (WIDEST - NARROWEST) * order / max(1, of - 1)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Cells to be compared, those with figures alone, and the records of each."""

    cells: Sequence[CellSummary]
    records: Mapping[Cell, Sequence[Record]]
    target: float | None

    @property
    def label(self) -> dict[Cell, str]:
        return labels(one.cell for one in self.cells)


def trace(cell: Cell, label: str, **fields: Any) -> Spec:
    """A trace of one cell, marked so that the page's filters find it."""
    meta = {"framework": cell.framework, "mode": cell.mode, "device": cell.device}
    meta |= {"tuning": cell.tuning, "precision": cell.precision}
    return {"name": label, "meta": meta, **fields}


def marker(cell: Cell, size: int) -> Spec:
    """The framework's colour and the mode's symbol, which is hollow for the default tuning."""
    symbol = SYMBOLS.get(cell.mode, "cross") + "-open" * (cell.tuning == "default")
    return {"color": colour(cell.framework), "symbol": symbol, "size": size}


def line(cell: Cell, order: int, of: int) -> Spec:
    """The framework's colour and the mode's dash, as wide as its place among `of` lines tells."""
    dash = DASHES.get(cell.mode, "dashdot")
    return {"color": colour(cell.framework), "dash": dash, "width": width(order, of)}


def layout(x: str, y: str = "", *, categories: int = 0, legend: bool = False) -> Spec:
    """Axes with their titles; with `categories`, as tall as so many rows need, first on top."""
    axes: Spec = {"xaxis": {"title": {"text": x}}, "showlegend": legend}
    # Without a standoff, plotly sets a title over the labels that it finds room for later.
    axes["yaxis"] = {"title": {"text": y, "standoff": 12}, "automargin": True}
    axes["height"] = 320
    if categories:
        axes["yaxis"] |= {"autorange": "reversed"}
        axes["height"] = 110 + 34 * categories
    if legend:
        axes["legend"] = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"}
        axes["height"] += 60
    return axes


def dots(
    group: Group,
    wanted: Iterable[tuple[CellSummary, float, tuple[float, float] | None, Sequence[float]]],
    written: Callable[[float], str],
) -> list[Spec]:
    """For each cell a large marker with its interval, and a small one for each repeat."""
    traces = []
    for one, middle, ends, repeats in wanted:
        label = group.label[one.cell]
        shown = {"x": [middle], "y": [label], "mode": "markers", "marker": marker(one.cell, 12)}
        if ends:
            off = {"array": [ends[1] - middle], "arrayminus": [middle - ends[0]]}
            shown["error_x"] = {"type": "data", "symmetric": False, **off}
        text = f"{label}: {written(middle)}"
        if ends:
            text += f" ({written(ends[0])} to {written(ends[1])})"
        traces.append(trace(one.cell, label, **shown, hovertemplate=f"{text}<extra></extra>"))
        small = {**marker(one.cell, 5), "opacity": 0.45}
        dots = {"x": [*repeats], "y": [label] * len(repeats), "mode": "markers", "marker": small}
        traces.append(trace(one.cell, label, **dots, hoverinfo="x"))
    return traces


def bars(group: Group, values: Sequence[tuple[CellSummary, float, str]], x: str) -> Spec:
    """A horizontal bar for each cell, with its value written at its end."""
    traces = [
        trace(
            one.cell,
            group.label[one.cell],
            type="bar",
            orientation="h",
            x=[value],
            y=[group.label[one.cell]],
            marker={
                "color": colour(one.cell.framework),
                "pattern": {"shape": "" if one.cell.mode == "eager" else "/"},
            },
            text=[text],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{group.label[one.cell]}: {text}<extra></extra>",
        )
        for one, value, text in values
    ]
    axes = layout(x, categories=len(values))
    # Room for what is written at the end of the longest.
    axes["xaxis"] |= {"range": [0, 1.7 * max(value for _, value, _ in values)]}
    return {"data": traces, "layout": axes}
