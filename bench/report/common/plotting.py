"""The parts of charts (traces, markers, axes, rows) as plain data for plotly.

The page sets sizes and the colours of text and background, so that charts follow its light and dark
modes. In every chart a framework has the same colour and a mode the same symbol and dash, so that
no reader depends on colours alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from bench.analysis.cell_summary import CellSummary
from bench.analysis.results import ResultTable
from bench.core.framework_name import variant_of
from bench.core.measurement import Measurement
from bench.core.record import Cell
from bench.records.snapshot import MetricSnapshot, Snapshot
from bench.report.common.text import labels
from bench.system.plain_text import one_line

# Okabe and Ito's palette, which colour-blind readers can tell apart, and then Tol's darker colours:
# with variants, a run may compare more frameworks than the former has.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#882255", "#999933")
DASHES = {"eager": "solid", "compiled": "dash", "xla": "dot"}
SYMBOLS = {"eager": "circle", "compiled": "diamond", "xla": "square"}
# d3's format for ticks, with as many digits as it takes to tell neighbours apart.
PERCENT = "~%"
# d3's formats for a value under the pointer.
NUMBER, WHOLE, EXACT_PERCENT = ",.4~r", ",.0f", ".2%"
WIDEST, NARROWEST = 9.0, 1.5
# Longer labels would leave no room for the figures.
LONGEST_LABEL = 60

Spec = dict[str, Any]


def shown(text: str) -> str:
    """A text from elsewhere in plotly's terms, in which tags and `%{...}` would act."""
    return escape(one_line(text, limit=LONGEST_LABEL), quote=False).replace("%{", "%&#123;")


def distinct_labels(names: Mapping[Cell, str]) -> dict[Cell, str]:
    """The names of a chart's cells in plotly's terms, in which no two are the same.

    Where shortening would make them so, each begins with its number in their order.
    """
    # Plotly draws rows with the same label as one.
    cut = {cell: shown(name) for cell, name in names.items()}
    if len({*cut.values()}) == len(cut):
        return cut
    numbered = enumerate(names.items(), 1)
    return {cell: shown(f"{number}: {name}") for number, (cell, name) in numbered}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart's heading, its description in words, and plotly's `data` and `layout`.

    `main` charts are those that a reader sees first.
    """

    title: str
    about: str
    spec: Spec
    main: bool = False


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How a cell looks in every chart: its framework's colour, its mode's symbol and dash.

    `compared` are the names of the compared frameworks. A framework's position there determines its
    colour; other frameworks are grey. Variants come last, so that a framework keeps its colour
    beside them.
    """

    compared: Sequence[str]

    def colour(self, framework: str) -> str:
        """A framework's colour."""
        if framework not in self.compared:
            return "#777777"
        ordered = sorted(self.compared, key=lambda name: bool(variant_of(name)))
        return COLOURS[ordered.index(framework) % len(COLOURS)]

    def marker(self, cell: Cell, size: int) -> Spec:
        """A marker in plotly's terms; the symbol is hollow for the default tuning."""
        symbol = SYMBOLS.get(cell.mode, "cross") + "-open" * (cell.tuning == "default")
        return {"color": self.colour(cell.framework), "symbol": symbol, "size": size}

    def line(self, cell: Cell, order: int, of: int) -> Spec:
        """A line in plotly's terms, for curve number `order` (from 0) of `of` curves.

        Later curves are narrower, so that curves that coincide can all be seen.
        """
        width = WIDEST - (WIDEST - NARROWEST) * order / max(1, of - 1)
        dash = DASHES.get(cell.mode, "dashdot")
        return {"color": self.colour(cell.framework), "dash": dash, "width": width}


@dataclass(frozen=True, kw_only=True)
class ChartedTable:
    """A table with what charts need: its cells' labels and marks, and the task's metric.

    `names` are the cells' labels as they are, and `labels` the same by `distinct_labels`.
    """

    table: ResultTable
    names: Mapping[Cell, str]
    labels: Mapping[Cell, str]
    marks: Marks
    metric: MetricSnapshot

    @staticmethod
    def of(table: ResultTable, snapshot: Snapshot) -> ChartedTable:
        """A table of a run with that snapshot."""
        names = labels([summary.cell for summary in table.summaries], snapshot.framework_title)
        return ChartedTable(
            table=table,
            names=names,
            labels=distinct_labels(names),
            marks=Marks(compared=snapshot.compared),
            metric=snapshot.metric(table.task),
        )

    @property
    def summaries(self) -> Sequence[CellSummary]:
        """The cells, fastest first."""
        return self.table.summaries

    def measurements(self, cell: Cell) -> list[Measurement]:
        """What each process of a cell measured."""
        records = [process.record for process in self.table.by_cell[cell]]
        return [record.measurement for record in records if record.measurement]


def trace(cell: Cell, label: str, **fields: Any) -> Spec:
    """A trace of one cell, marked so that the page's filters find it."""
    meta = {"framework": cell.framework, "mode": cell.mode, "device": cell.device}
    meta |= {"tuning": cell.tuning, "precision": cell.precision}
    return {"name": label, "meta": meta, **fields}


def point_hover(
    label: str, x: str, y: str, *, x_format: str = NUMBER, y_format: str = NUMBER
) -> str:
    """What is shown for a point of a line: its cell, and both values with their names.

    `label` is in plotly's terms, and the formats are in d3's.
    """
    values = f"{shown(x)}: %{{x:{x_format}}}<br>{shown(y)}: %{{y:{y_format}}}"
    return f"{label}<br>{values}<extra></extra>"


def layout(x: str, y: str = "", *, categories: int = 0, legend: bool = False) -> Spec:
    """Axes with their titles. With `categories`, tall enough for so many rows, first on top."""
    axes: Spec = {"xaxis": {"title": {"text": shown(x)}}, "showlegend": legend}
    # Without a standoff, plotly places the title over labels that it makes room for only later.
    axes["yaxis"] = {"title": {"text": shown(y), "standoff": 12}, "automargin": True}
    axes["height"] = 320
    if categories:
        axes["yaxis"] |= {"autorange": "reversed"}
        axes["height"] = 110 + 34 * categories
    if legend:
        axes["legend"] = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"}
        axes["height"] += 60
    return axes


@dataclass(frozen=True, kw_only=True)
class Dots:
    """A cell's figure: the middle, the ends of its interval if known, and the repeats."""

    cell: Cell
    middle: float
    ends: tuple[float, float] | None
    repeats: Sequence[float]


def dots(
    labels: Mapping[Cell, str],
    marks: Marks,
    figures: Iterable[Dots],
    text: Callable[[float], str],
    unit: str,
) -> list[Spec]:
    """For each cell, a large marker with its interval and a small marker for each repeat.

    `labels` are in plotly's terms. The `unit`, or the figure's name, follows every value.
    """
    traces = []
    for figure in figures:
        cell, middle, ends = figure.cell, figure.middle, figure.ends
        label = labels[cell]
        large: Spec = {"x": [middle], "y": [label], "mode": "markers"}
        large["marker"] = marks.marker(cell, 12)
        hover = f"{label}: {shown(text(middle))}"
        if ends:
            reach = {"array": [ends[1] - middle], "arrayminus": [middle - ends[0]]}
            large["error_x"] = {"type": "data", "symmetric": False, **reach}
            hover += f" ({shown(text(ends[0]))} to {shown(text(ends[1]))})"
        hover += f" {shown(unit)}"
        traces.append(trace(cell, label, **large, hovertemplate=f"{hover}<extra></extra>"))
        small: Spec = {"x": [*figure.repeats], "y": [label] * len(figure.repeats)}
        small |= {"mode": "markers", "marker": {**marks.marker(cell, 5), "opacity": 0.45}}
        single = [
            f"{label}, one process: {shown(text(value))} {shown(unit)}" for value in figure.repeats
        ]
        small |= {"hovertext": single, "hovertemplate": "%{hovertext}<extra></extra>"}
        traces.append(trace(cell, label, **small))
    return traces


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A figure of one cell, and the text at the end of its bar."""

    cell: Cell
    value: float
    text: str


def bars(charted: ChartedTable, figures: Sequence[Bar], x: str) -> Spec:
    """A horizontal bar for each cell."""
    traces = [
        trace(
            bar.cell,
            charted.labels[bar.cell],
            type="bar",
            orientation="h",
            x=[bar.value],
            y=[charted.labels[bar.cell]],
            marker={
                "color": charted.marks.colour(bar.cell.framework),
                "pattern": {"shape": "" if bar.cell.mode == "eager" else "/"},
            },
            text=[bar.text],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{charted.labels[bar.cell]}: {bar.text}<extra></extra>",
        )
        for bar in figures
    ]
    axes = layout(x, categories=len(figures))
    # Leaves room for the text at the end of the longest bar.
    axes["xaxis"] |= {"range": [0, 1.7 * max(bar.value for bar in figures)]}
    return {"data": traces, "layout": axes}
