"""A history as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from bench.analysis.cell_frame import interval_columns
from bench.analysis.history import CellHistory, History, HistoryPoint
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.report.common import programs, terminal
from bench.report.common.pages import render
from bench.report.common.plotting import Chart, Marks, Spec, layout, shown, trace
from bench.report.common.text import (
    count_text,
    estimate_text,
    interval_text,
    mode_text,
    place_text,
    ratio_text,
    unsure_line,
)

HEADINGS = ("framework", "mode", "pace", "samples/s", "last / first (95 %)", "versions changed in")
# The columns that a narrow terminal leaves out, in this order.
_GIVING_WAY = ("versions changed in", "samples/s")
_WORDS = 3
_BARS = "▁▂▃▄▅▆▇█"
COLUMNS = (
    *("task", "tokens", "framework", "mode", "tuning", "device", "precision", "threads", "feed"),
    *("run", "started", "samples_per_second", "low", "high", "change", "change_low"),
    *("change_high", "versions_changed"),
)


def sparkline(values: Sequence[float]) -> str:
    """Values from 0 to the largest as bars of eight heights."""
    most = max(values)
    return "".join(_BARS[max(0, round(value / most * len(_BARS)) - 1)] for value in values)


def _mode(cell: Cell) -> str:
    """A cell's mode, marked if its tuning is not the expert's; old runs do not tell."""
    return (
        f"{cell.mode} (tuning untold)"
        if cell.tuning == "untold"
        else mode_text(cell.mode, cell.tuning)
    )


def _row(history: CellHistory) -> tuple[str, ...]:
    paces = [point.throughput.estimate for point in history.points]
    span = count_text(paces[-1])
    if len(paces) > 1:
        span = f"{count_text(paces[0])} → {span}"
    changed = [point.run for point in history.points if point.versions]
    return (
        history.title,
        _mode(history.cell),
        sparkline(paces),
        span,
        estimate_text(history.overall, ratio_text) or "one run",
        ", ".join(changed),
    )


def _by_table(history: History) -> dict[tuple[str, str], list[CellHistory]]:
    """The cells by their task and conditions."""
    return grouped(history.cells, lambda each: (each.cell.task, _place(each)))


def _place(history: CellHistory) -> str:
    """The conditions of a cell in words, with the length of its texts."""
    tokens = f", {history.tokens} tokens" if history.tokens else ""
    return f"{place_text(history.cell)}{tokens}"


def notes(history: History) -> Iterator[str]:
    """How to read it, and what is left out."""
    which = f"{len(history.runs)} runs of this machine, oldest first"
    if len(history.runs) == 1:
        which = "1 run of this machine"
    yield f"{which}: {', '.join(history.runs)}"
    if history.others:
        yield f"left out, as another machine made them: {', '.join(history.others)}"
    yield (
        "runs are not interleaved: what slowed a whole run looks like a change, and no interval "
        "shows that"
    )
    yield from unsure_line(each.overall for each in history.cells)


def to_terminal(history: History, *, width: int) -> Group:
    """For rich to print `width` columns wide; 80 are enough."""
    parts: list[RenderableType] = []
    for (task, place), cells in _by_table(history).items():
        rows = [_row(each) for each in cells]
        columns, stack = terminal.fit(
            HEADINGS, rows, width, giving_way=_GIVING_WAY, before_stacking=len(_GIVING_WAY)
        )
        texts = [[terminal.stacked(row[i]) if stack else row[i] for i in columns] for row in rows]
        headings = [HEADINGS[index] for index in columns]
        words = sum(index < _WORDS for index in columns)
        grid = terminal.grid(headings, texts, words=words)
        parts += [Text(f"{task} — {place}", "bold"), grid]
        if left_out := [name for name in HEADINGS if name not in headings]:
            parts.append(Text(terminal.no_room_for(left_out, "--format csv has all"), "dim"))
        for each in cells:
            parts += [Text(f"{each.title}: {line}", "dim") for line in _version_lines(each.points)]
        parts.append(Text())
    return Group(*parts, *(Text(line, "dim") for line in notes(history)))


def _version_lines(points: Sequence[HistoryPoint]) -> Iterator[str]:
    for point in points:
        if point.versions:
            yield f"{point.run}: {', '.join(point.versions)}"


def _records(history: History) -> list[dict[str, object]]:
    """A row under `COLUMNS` for each point; the ends of an unknown interval are None."""
    rows: list[dict[str, object]] = []
    for each in history.cells:
        cell = each.cell
        for point in each.points:
            values = (
                *(cell.task, each.tokens, cell.framework, cell.mode, cell.tuning, cell.device),
                *(cell.precision, cell.threads, cell.feed, point.run, point.started),
                *interval_columns("samples_per_second", point.throughput).values(),
                *interval_columns("change", point.change).values(),
                "; ".join(point.versions),
            )
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def to_csv(history: History) -> str:
    """A line for each cell and run."""
    import pandas as pd

    return programs.to_csv(pd.DataFrame(_records(history), columns=[*COLUMNS]))


def to_json(history: History) -> str:
    """The same as JSON, with the runs."""
    return programs.to_json(
        {"runs": history.runs, "left_out": history.others, "points": _records(history)}
    )


def to_page(history: History, compared: Sequence[str], *, index: str = "", mark: str = "") -> str:
    """A page with a chart for each task; `compared` are the frameworks that have colours.

    `index` is the address of the page with all runs, if there is one, and `mark` a comment that
    tells programs where the page comes from.
    """
    marks = Marks(compared=compared)
    # A single point is no history, unless there is nothing else.
    several = [each for each in history.cells if len(each.points) > 1]
    tables = _by_table(replace(history, cells=several or history.cells)).items()
    charts = [_chart(f"{task}, {place}", cells, marks) for (task, place), cells in tables]
    return render(
        "history.html.j2",
        title="History",
        charts=charts,
        notes=[*notes(history)],
        index=index,
        mark=mark,
    )


def _chart(title: str, cells: Sequence[CellHistory], marks: Marks) -> Chart:
    """The pace of each cell by run, with intervals; a star where versions changed."""
    traces: list[Spec] = []
    for each in cells:
        label = shown(f"{each.title} {_mode(each.cell)}")
        known = [point.throughput if point.throughput.known else None for point in each.points]
        marker = marks.marker(each.cell, 9)
        marker["symbol"] = ["star" if point.versions else marker["symbol"] for point in each.points]
        ends = {
            "array": [of.high - of.estimate if of else 0 for of in known],
            "arrayminus": [of.estimate - of.low if of else 0 for of in known],
        }
        line: Spec = {
            "x": [point.started for point in each.points],
            "y": [point.throughput.estimate for point in each.points],
            "mode": "lines+markers",
            "line": marks.line(each.cell, 1, 2),
            "marker": marker,
            "error_y": {"type": "data", "symmetric": False, **ends, "thickness": 1.5},
            "text": [shown(_about(point)) for point in each.points],
            "hovertemplate": "%{text}<extra>" + label + "</extra>",
        }
        traces.append(trace(each.cell, label, **line))
    axes = layout("date", "samples/s", legend=True)
    axes["yaxis"] |= {"rangemode": "tozero"}
    axes["xaxis"] |= {"type": "date"}
    return Chart(
        title=title,
        about="Bars are intervals of 95 %. A star marks a run in which versions changed.",
        spec={"data": traces, "layout": axes},
    )


def _about(point: HistoryPoint) -> str:
    pace = point.throughput
    ends = (count_text(pace.low), count_text(pace.high)) if pace.known else ("?", "?")
    text = f"{point.run}: {interval_text(count_text(pace.estimate), *ends)} samples/s"
    return f"{text}; {', '.join(point.versions)}" if point.versions else text
