"""Charts of training curves: loss, metric and pace of all frameworks of a table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from bench.analysis.processes import seconds_at
from bench.core.measurement import Measurement, Windows
from bench.core.record import Cell
from bench.report.common.plotting import (
    EXACT_PERCENT,
    NUMBER,
    PERCENT,
    WHOLE,
    Chart,
    ChartedTable,
    Spec,
    layout,
    point_hover,
    trace,
)
from bench.report.common.text import capitalized

# The most points of a loss curve; each is the mean over the steps since the previous point.
MOST_POINTS = 60
# How much of the colour a band has.
BAND = 0.25

Points = list[tuple[float, float]]


def curves(charted: ChartedTable, *, of: str, seconds: bool) -> Chart | None:
    """Training loss or test metric of the first block, against steps or training seconds."""
    chosen = list(_first_processes(charted))
    measurements = [measurement for _, measurement in chosen]
    # A single evaluation is no curve, and final metrics have a chart of their own.
    if of != "loss" and all(len(measurement.evaluations) < 2 for measurement in measurements):
        return None
    if not chosen:
        return None
    size = _bin_size(measurements)
    against = "training seconds" if seconds else "steps"
    title = "training loss" if of == "loss" else f"test {charted.metric.name}"
    fraction = of != "loss" and charted.metric.is_fraction
    y_format = EXACT_PERCENT if fraction else NUMBER
    traces = []
    for order, (cell, measurement) in enumerate(chosen):
        if of == "loss":
            points = _losses(measurement, size, seconds=seconds)
        else:
            points = _metrics(measurement, seconds=seconds)
        curve: Spec = {"x": [x for x, _ in points], "y": [y for _, y in points]}
        curve |= {"mode": "lines" if of == "loss" else "lines+markers"}
        place = order if not seconds else len(chosen)
        curve["line"] = charted.marks.line(cell, place, len(chosen) + 1)
        if of != "loss":
            curve["marker"] = charted.marks.marker(cell, 9)
        label = charted.labels[cell]
        curve["hovertemplate"] = point_hover(
            label, against, title, x_format=NUMBER if seconds else WHOLE, y_format=y_format
        )
        traces.append(trace(cell, label, **curve))
    axes = layout(against, title, legend=True)
    if fraction:
        axes["yaxis"] |= {"tickformat": PERCENT}
    about = (
        "The same curves against training time: they show which cell gets there first."
        if seconds
        else "The process of the first block of each cell, drawn from wide to narrow lines. The "
        "curves diverge as training amplifies rounding."
    )
    return Chart(
        title=f"{capitalized(title)} against {'seconds' if seconds else 'steps'}",
        about=about,
        spec={"data": traces, "layout": axes},
        main=of != "loss" and seconds,
    )


def _first_processes(charted: ChartedTable) -> Iterator[tuple[Cell, Measurement]]:
    """Each cell's measurement in its first measured block, which has the same seed for all."""
    for summary in charted.summaries:
        records = [process.record for process in charted.table.by_cell[summary.cell]]
        measured = (record for record in records if record.measurement)
        first = min(measured, key=lambda record: record.job.block, default=None)
        if first and first.measurement:
            yield summary.cell, first.measurement


def _bin_size(measurements: Sequence[Measurement]) -> int:
    """Steps for each point of all curves: at least as many as the longest window has."""
    steps = [measurement.budget_windows.steps for measurement in measurements]
    longest, total = max(map(max, steps)), max(map(sum, steps))
    return max(longest, -(-total // MOST_POINTS))


def _losses(measurement: Measurement, size: int, *, seconds: bool) -> Points:
    """Mean losses over `size` steps each; the mean of a window stands for each of its steps."""
    windows = measurement.budget_windows
    steps = np.cumsum([0, *windows.steps])
    sums = np.cumsum([0.0, *np.multiply(windows.loss, windows.steps)])
    clock = np.cumsum([0.0, *windows.wall])
    edges = np.arange(0, steps[-1] + 1, size)
    means = np.diff(np.interp(edges, steps, sums)) / size
    xs = np.interp(edges, steps, clock) if seconds else edges
    return list(zip(xs[1:].tolist(), means.tolist(), strict=True))


def _metrics(measurement: Measurement, *, seconds: bool) -> Points:
    return [
        (
            seconds_at(measurement, evaluation.step) if seconds else evaluation.step,
            evaluation.metric,
        )
        for evaluation in measurement.evaluations
    ]


def windows(charted: ChartedTable) -> Chart | None:
    """The pace of each cell by window: how steady its processes are, and how they differ.

    A band holds all processes of a cell, from the slowest to the fastest, and a line is the middle.
    """
    traces = []
    for summary in charted.summaries:
        cell = summary.cell
        records = [process.record for process in charted.table.by_cell[cell]]
        measured = [
            [*_paces(record.measurement.windows, record.batch)]
            for record in records
            if record.measurement
        ]
        if not measured:
            continue
        # As long as every process lasted: after that, the band would be one of fewer.
        columns = [*zip(*measured, strict=False)]
        xs = [statistics.fmean(x for x, _ in column) for column in columns]
        paces = [[y for _, y in column] for column in columns]
        label, colour = charted.labels[cell], charted.marks.colour(cell.framework)
        if len(measured) > 1:
            band: Spec = {
                "x": xs + xs[::-1],
                "mode": "lines",
                "line": {"width": 0},
                "fill": "toself",
            }
            band |= {"y": [*map(max, paces), *map(min, paces[::-1])]}
            band |= {"fillcolor": colour, "opacity": BAND, "hoverinfo": "skip", "showlegend": False}
            traces.append(trace(cell, label, **band))
        middle = [statistics.median(column) for column in paces]
        line: Spec = {"x": xs, "y": middle, "mode": "lines", "line": charted.marks.line(cell, 1, 2)}
        line["hovertemplate"] = point_hover(label, "training seconds", "samples/s", y_format=WHOLE)
        traces.append(trace(cell, label, **line))
    if not traces:
        return None
    axes = layout("training seconds", "samples/s", legend=True)
    axes["yaxis"] |= {"rangemode": "tozero"}
    return Chart(
        title="Pace, window by window",
        about="The middle of the processes of a cell, in a band from the slowest to the fastest. "
        "Jumps that other frameworks share come from the machine.",
        spec={"data": traces, "layout": axes},
    )


def _paces(windows: Windows, batch: int) -> Iterator[tuple[float, float]]:
    """At most `MOST_POINTS` of a process: training seconds, and samples a second."""
    columns = zip(
        accumulate(windows.wall), windows.steps, windows.wall, windows.settling, strict=True
    )
    points = [
        (clock, steps * batch / wall) for clock, steps, wall, settling in columns if not settling
    ]
    size = -(-len(points) // MOST_POINTS)
    for start in range(0, len(points), size):
        some = points[start : start + size]
        # For so few numbers, numpy would take twenty times as long.
        yield some[-1][0], statistics.median([pace for _, pace in some])
