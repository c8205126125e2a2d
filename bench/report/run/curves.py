"""Curves of training: loss, accuracy and pace, all frameworks over each other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from bench.analysis.processes import seconds_at
from bench.core.record import Cell, Measurement, Windows
from bench.report.common.plotting import PERCENT, Chart, ChartedTable, Spec, layout, trace

# Points of a loss curve, at most: each is the mean of the steps since the last.
MOST_POINTS = 60
# Points of all of a cell's processes together, at most, where there are so many of them that each
# has fewer than `MOST_POINTS`; and the fewest that still show whether a process was steady.
MOST_OF_CELL, FEWEST_POINTS = 1200, 6

Points = list[tuple[float, float]]


def curves(charted: ChartedTable, *, of: str, seconds: bool) -> Chart | None:
    """Training loss or test accuracy of the first block, against steps or training seconds."""
    chosen = list(_first_processes(charted))
    if not chosen or (of != "loss" and all(len(one.evaluations) < 2 for _, one in chosen)):
        return None  # one evaluation is no curve: the final accuracies have a chart of their own
    bins = _bins([measurement for _, measurement in chosen])
    traces = []
    for order, (cell, measurement) in enumerate(chosen):
        if of == "loss":
            points = _losses(measurement, bins, seconds=seconds)
        else:
            points = _accuracies(measurement, seconds=seconds)
        shown: Spec = {"x": [x for x, _ in points], "y": [y for _, y in points]}
        shown |= {"mode": "lines" if of == "loss" else "lines+markers"}
        place = order if not seconds else len(chosen)
        shown["line"] = charted.marks.line(cell, place, len(chosen) + 1)
        if of != "loss":
            shown["marker"] = charted.marks.marker(cell, 9)
        traces.append(trace(cell, charted.labels[cell], **shown))
    against = "training seconds" if seconds else "steps"
    named = "training loss" if of == "loss" else "test accuracy"
    axes = layout(against, named, legend=True)
    if of != "loss":
        axes["yaxis"] |= {"tickformat": PERCENT}
    about = (
        "The same against training time: which framework is there first."
        if seconds
        else "All frameworks over each other, from wide to narrow lines: of each the process of "
        "the first block. They part as training amplifies rounding."
    )
    return Chart(
        title=f"{named[0].upper()}{named[1:]} against {'seconds' if seconds else 'steps'}",
        about=about,
        spec={"data": traces, "layout": axes},
    )


def _first_processes(charted: ChartedTable) -> Iterator[tuple[Cell, Measurement]]:
    """Each cell's process of the first block that has one: the same seed for all."""
    for summary in charted.summaries:
        records = [process.record for process in charted.table.by_cell[summary.cell]]
        measured = (record for record in records if record.measurement)
        first = min(measured, key=lambda record: record.job.block, default=None)
        if first and first.measurement:
            yield summary.cell, first.measurement


def _bins(measurements: Sequence[Measurement]) -> int:
    """Steps for one point, the same for all: as many as the longest window of any has."""
    longest = max(max(one.windows.steps) for one in measurements)
    total = max(sum(one.windows.steps) for one in measurements)
    return max(longest, -(-total // MOST_POINTS))


def _losses(measurement: Measurement, bins: int, *, seconds: bool) -> Points:
    """Mean losses of `bins` steps each. A window has its mean alone, which is spread evenly."""
    windows = measurement.windows
    steps = np.cumsum([0, *windows.steps])
    sums = np.cumsum([0.0, *np.multiply(windows.loss, windows.steps)])
    clock = np.cumsum([0.0, *windows.wall])
    edges = np.arange(0, steps[-1] + 1, bins)
    means = np.diff(np.interp(edges, steps, sums)) / bins
    at = np.interp(edges, steps, clock) if seconds else edges
    return list(zip(at[1:].tolist(), means.tolist(), strict=True))


def _accuracies(measurement: Measurement, *, seconds: bool) -> Points:
    return [
        (
            seconds_at(measurement, evaluation.step) if seconds else evaluation.step,
            evaluation.accuracy,
        )
        for evaluation in measurement.evaluations
    ]


def windows(charted: ChartedTable) -> Chart | None:
    """Every process's pace, window by window: whether it was steady, and how processes differ."""
    traces = []
    for summary in charted.summaries:
        cell = summary.cell
        measured = [one.record for one in charted.table.by_cell[cell] if one.record.measurement]
        most = min(MOST_POINTS, max(FEWEST_POINTS, MOST_OF_CELL // max(1, len(measured))))
        xs: list[float | None] = []
        ys: list[float | None] = []
        for record in measured:
            assert record.measurement
            for x, y in _paces(record.measurement.windows, record.batch, most):
                xs.append(x)
                ys.append(y)
            xs.append(None)  # lifts the pen between two processes
            ys.append(None)
        if xs:
            drawn: Spec = {"x": xs, "y": ys, "mode": "lines", "connectgaps": False}
            drawn |= {"line": charted.marks.line(cell, 1, 2), "opacity": 0.7}
            traces.append(trace(cell, charted.labels[cell], **drawn))
    if not traces:
        return None
    axes = layout("training seconds", "samples/s", legend=True)
    axes["yaxis"] |= {"rangemode": "tozero"}
    return Chart(
        title="Pace, window by window",
        about="A line for each process. Steps up and down that the lines of one framework do not "
        "share come from the machine, not from the framework.",
        spec={"data": traces, "layout": axes},
    )


def _paces(windows: Windows, batch: int, most: int) -> Iterator[tuple[float, float]]:
    """Seconds of training and samples a second of one process, in at most `most` points."""
    size = -(-len(windows) // most)
    clock = list(accumulate(windows.wall))
    paces = [steps * batch / wall for steps, wall in zip(windows.steps, windows.wall, strict=True)]
    for at in range(0, len(windows), size):
        # The median of a few numbers: numpy would take twenty times as long.
        yield clock[min(at + size, len(windows)) - 1], statistics.median(paces[at : at + size])
