"""Curves of training: loss and accuracy, all frameworks over each other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from bench.analysis.cell_summary import CellSummary
from bench.analysis.processes import seconds_at
from bench.core.record import Cell, Measurement
from bench.proof.certificate import Certificate
from bench.report.common.plotting import PERCENT, Chart, Group, Spec, layout, line, marker, trace
from bench.report.common.text import framework_text

# Points of a loss curve, at most: each is the mean of the steps since the last.
MOST_POINTS = 60
# Points of all of a cell's processes together, at most, where there are so many of them that each
# has fewer than `MOST_POINTS`; and the fewest that still show whether a process was steady.
MOST_OF_CELL, FEWEST_POINTS = 1200, 6

Points = list[tuple[float, float]]


def _first(group: Group) -> Iterator[tuple[CellSummary, Measurement]]:
    """Each cell's process of the first block that has one: the same seed for all."""
    for one in group.cells:
        found = (record for record in group.records[one.cell] if record.measurement)
        record = min(found, key=lambda record: record.job.block, default=None)
        if record and record.measurement:
            yield one, record.measurement


def _bins(chosen: Sequence[tuple[CellSummary, Measurement]]) -> int:
    """Steps for one point, the same for all: as many as the longest window of any has."""
    longest = max(max(one.windows.steps) for _, one in chosen)
    total = max(sum(one.windows.steps) for _, one in chosen)
    return max(longest, -(-total // MOST_POINTS))


def _losses(measurement: Measurement, bins: int, *, seconds: bool) -> Points:
    """Mean losses of so many steps each. A window knows its mean alone: it is spread evenly."""
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
        (seconds_at(measurement, one.step) if seconds else one.step, one.accuracy)
        for one in measurement.evaluations
    ]


def curves(group: Group, *, of: str, seconds: bool) -> Chart | None:
    """Training loss or test accuracy of the first repeat, against steps or training seconds."""
    chosen = list(_first(group))
    if not chosen or (of != "loss" and all(len(one.evaluations) < 2 for _, one in chosen)):
        return None  # one evaluation is no curve: the final accuracies have a chart of their own
    bins = _bins(chosen)
    traces = []
    for order, (one, measurement) in enumerate(chosen):
        if of == "loss":
            points = _losses(measurement, bins, seconds=seconds)
        else:
            points = _accuracies(measurement, seconds=seconds)
        shown: Spec = {"x": [x for x, _ in points], "y": [y for _, y in points]}
        shown |= {"mode": "lines" if of == "loss" else "lines+markers"}
        shown["line"] = line(one.cell, order if not seconds else len(chosen), len(chosen) + 1)
        if of != "loss":
            shown["marker"] = marker(one.cell, 9)
        traces.append(trace(one.cell, group.label[one.cell], **shown))
    against = "training seconds" if seconds else "steps"
    named = "training loss" if of == "loss" else "test accuracy"
    axes = layout(against, named, legend=True)
    if of != "loss":
        axes["yaxis"] |= {"tickformat": PERCENT}
    about = (
        "The same, against the time that training took: who is there first."
        if seconds
        else "All frameworks over each other, from wide to narrow lines: of each the process of "
        "the first block. They part as training amplifies rounding."
    )
    return Chart(
        title=f"{named[0].upper()}{named[1:]} against {'seconds' if seconds else 'steps'}",
        about=about,
        spec={"data": traces, "layout": axes},
    )


def windows(group: Group) -> Chart | None:
    """Every process's pace, window by window: whether it was steady, and how processes differ."""
    traces = []
    for one in group.cells:
        xs: list[float | None] = []
        ys: list[float | None] = []
        measured = [record for record in group.records[one.cell] if record.measurement]
        most = min(MOST_POINTS, max(FEWEST_POINTS, MOST_OF_CELL // max(1, len(measured))))
        for record in measured:
            assert record.measurement
            found = record.measurement.windows
            size = -(-len(found) // most)
            clock = list(accumulate(found.wall))
            paces = [
                steps * record.batch / wall
                for steps, wall in zip(found.steps, found.wall, strict=True)
            ]
            for at in range(0, len(found), size):
                xs.append(clock[min(at + size, len(found)) - 1])
                # of a few numbers: numpy would take twenty times as long
                ys.append(statistics.median(paces[at : at + size]))
            xs.append(None)  # lifts the pen between two processes
            ys.append(None)
        if xs:
            drawn: Spec = {"x": xs, "y": ys, "mode": "lines", "connectgaps": False}
            drawn |= {"line": line(one.cell, 1, 2), "opacity": 0.7}
            traces.append(trace(one.cell, group.label[one.cell], **drawn))
    if not traces:
        return None
    axes = layout("training seconds", "samples/s", legend=True)
    axes["yaxis"] |= {"rangemode": "tozero"}
    return Chart(
        title="Pace, window by window",
        about="A line for each process. Steps up and down that the lines of one framework do not "
        "share are the machine's, not the framework's.",
        spec={"data": traces, "layout": axes},
    )


def first_steps(certificates: Sequence[Certificate]) -> list[Chart]:
    """The loss of each of the first steps of the proof, a chart for each task."""
    made = []
    drawn = [one for one in certificates if one.losses]
    whom = list(dict.fromkeys((one.claim.framework, one.claim.mode) for one in drawn))
    for task in dict.fromkeys(one.claim.task for one in drawn):
        traces = []
        for order, (framework, mode) in enumerate(whom):
            for one in drawn:
                claim = one.claim
                if (claim.task, claim.framework, claim.mode) != (task, framework, mode):
                    continue
                cell = Cell(framework=framework, task=task, mode=mode, setting=claim.setting)
                steps = list(range(1, len(one.losses) + 1))
                shown: Spec = {"x": steps, "y": list(one.losses), "mode": "lines"}
                shown |= {"line": line(cell, order, len(whom))}
                traces.append(trace(cell, f"{framework_text(framework)} {mode}", **shown))
        axes = layout("step", "training loss", legend=True)
        made.append(
            Chart(
                title=task,
                about="Curves that coincide are drawn from wide to narrow, so that each is seen.",
                spec={"data": traces, "layout": axes},
            )
        )
    return made
