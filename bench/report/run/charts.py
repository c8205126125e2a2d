"""Charts of cells that can be compared: plotly figures as plain data, which the page draws."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.cell_summary import CellSummary
from bench.core.record import Cell
from bench.report.common.plotting import (
    PERCENT,
    Chart,
    Group,
    Spec,
    bars,
    dots,
    layout,
    line,
    marker,
    trace,
)
from bench.report.common.text import bytes_text, count_text, percent, seconds_text
from bench.report.run.curves import curves, windows

# How far, in the fastest process's paces, intervals are drawn.
WIDEST_REACH = 2.0
# Grey from light to dark, for what a bar is made of.
STAGES = {"import": "#BBBBBB", "build": "#888888", "first step": "#444444"}


def pace(group: Group) -> Chart | None:
    """Throughput of each cell with its interval and its repeats."""
    wanted = [
        (
            one,
            one.throughput.estimate,
            (one.throughput.low, one.throughput.high) if one.throughput.known else None,
            [*one.throughputs.values()],
        )
        for one in group.cells
        if one.throughput
    ]
    if not wanted:
        return None
    axes = layout("training samples a second", categories=len(wanted))
    axes["xaxis"] |= {"rangemode": "tozero"}
    about = (
        "Further right is faster. Bars are 95 % intervals, small marks single processes. "
        "Overlapping bars may still be told apart: cells are compared within each block."
    )
    fastest = max(max(middle, *repeats) for _, middle, _, repeats in wanted)
    if any(ends and ends[1] > WIDEST_REACH * fastest for *_, ends, _ in wanted):
        # Of two processes, an interval may reach to many times the pace of any.
        axes["xaxis"] |= {"range": [0, WIDEST_REACH * fastest]}
        about += " A bar that reaches the edge goes on beyond it."
    return Chart(
        title="Throughput",
        about=about,
        spec={"data": dots(group, wanted, count_text), "layout": axes},
    )


def accuracy(group: Group) -> Chart | None:
    """Final test accuracy of each cell, with the lowest and highest of its repeats."""
    wanted = [
        (
            one,
            one.accuracy.median,
            (one.accuracy.low, one.accuracy.high),
            [
                record.measurement.evaluations[-1].accuracy
                for record in group.records[one.cell]
                if record.measurement
            ],
        )
        for one in group.cells
        if one.accuracy
    ]
    if not wanted:
        return None
    axes = layout("test accuracy", categories=len(wanted))
    axes["xaxis"] |= {"tickformat": PERCENT}
    return Chart(
        title="Accuracy",
        about="After the last epoch: the median of the repeats, the lowest and the highest. "
        "The same task ends at the same accuracy, but for its seeds.",
        spec={"data": dots(group, wanted, percent), "layout": axes},
    )


def to_accuracy(group: Group) -> Chart | None:
    """Training seconds until the task's target accuracy was reached."""
    values = [
        (one, one.time_to_accuracy, seconds_text(one.time_to_accuracy))
        for one in group.cells
        if one.time_to_accuracy is not None
    ]
    if not values or group.target is None:
        return None
    missing = [group.label[one.cell] for one in group.cells if one.time_to_accuracy is None]
    about = (
        f"Training seconds until the first evaluation with {group.target:.0%} or more, which come "
        "after each epoch: the median of the repeats."
    )
    if missing:
        about += f" Not reached in every repeat by {', '.join(missing)}."
    return Chart(
        title=f"Time to {group.target:.0%} accuracy",
        about=about,
        spec=bars(group, values, "training seconds"),
    )


def memory(group: Group) -> Chart | None:
    """Throughput against memory, with the cells that no other beats in both."""

    def used(one: CellSummary) -> float | None:
        return one.peak_device_bytes or one.peak_resident_bytes

    points = [
        (one, held, one.throughput.estimate)
        for one in group.cells
        if one.throughput and (held := used(one))
    ]
    if len(points) < 2:
        return None
    front = sorted(
        (held, fast)
        for _, held, fast in points
        if not any(h <= held and f >= fast and (h, f) != (held, fast) for _, h, f in points)
    )
    traces = [
        {
            "x": [held / 1e6 for held, _ in front],
            "y": [fast for _, fast in front],
            "mode": "lines",
            "line": {"color": "#888888", "dash": "dot", "shape": "hv", "width": 1.5},
            "name": "Pareto front",
            "hoverinfo": "skip",
        }
    ]
    for one, held, fast in points:
        label = group.label[one.cell]
        text = f"{label}: {count_text(fast)} samples/s, {bytes_text(held)}"
        traces.append(
            trace(
                one.cell,
                label,
                x=[held / 1e6],
                y=[fast],
                mode="markers",
                cliponaxis=False,
                marker=marker(one.cell, 12),
                hovertemplate=f"{text}<extra></extra>",
            )
        )
    axes = layout("peak memory, MB", "samples/s", legend=True)
    axes["xaxis"] |= {"rangemode": "tozero"}
    axes["yaxis"] |= {"rangemode": "tozero"}
    return Chart(
        title="Speed against memory",
        about="Up is faster, left is smaller. On the dotted line (the Pareto front) lie those "
        "that no other beats in both.",
        spec={"data": traces, "layout": axes},
    )


def start(group: Group) -> Chart | None:
    """What it takes before training is under way: import, build, first step."""
    shown = [one for one in group.cells if one.first_step is not None]
    if not shown:
        return None
    stages = {"import": "import_seconds", "build": "build_seconds", "first step": "first_step"}
    traces = [
        trace(
            one.cell,
            stage,
            type="bar",
            orientation="h",
            x=[seconds],
            y=[group.label[one.cell]],
            marker={"color": STAGES[stage]},
            legendgroup=stage,
            showlegend=one is shown[0],
            hovertemplate=f"{stage}: {seconds_text(seconds)}<extra></extra>",
        )
        for one in shown
        for stage, name in stages.items()
        if (seconds := getattr(one, name)) is not None
    ]
    axes = layout("seconds", categories=len(shown) + 1, legend=True)
    return Chart(
        title="Before training: import, build, first step",
        about="Medians of the repeats. The build makes the network and its optimizer, and holds "
        "what is imported only then: PyTorch's compiler, by its optimizers. The first step holds "
        "tracing and compiling.",
        spec={"data": traces, "layout": {**axes, "barmode": "stack"}},
    )


def break_even(group: Group) -> Chart | None:
    """Seconds since the build began after so many epochs, where a framework has several modes."""
    by_framework: dict[str, list[CellSummary]] = {}
    for one in group.cells:
        if one.throughput and one.epoch_samples and one.cell.tuning == "expert":
            by_framework.setdefault(one.cell.framework, []).append(one)
    several = [one for cells in by_framework.values() if len(cells) > 1 for one in cells]
    if not several:
        return None
    points = [one.break_even for one in several if one.break_even and one.break_even < 1e4]
    last = max(10.0, 1.5 * max(points, default=0.0))
    traces = []
    for one in several:
        assert one.throughput and one.epoch_samples
        before = (one.build_seconds or 0.0) + (one.first_step or 0.0)
        epoch = one.epoch_samples / one.throughput.estimate
        shown: Spec = {"x": [0.0, last], "y": [before, before + last * epoch], "mode": "lines"}
        shown["line"] = line(one.cell, 1, 3)
        traces.append(trace(one.cell, group.label[one.cell], **shown))
    return Chart(
        title="When compiling pays off",
        about="Build, first step and training, added up. Where two lines of a framework cross, "
        "compiling has paid off.",
        spec={"data": traces, "layout": layout("epochs", "seconds", legend=True)},
    )


def peak(group: Group, use: Mapping[Cell, tuple[float, str]]) -> Chart | None:
    """Share of the machine's peak, and what bounds each cell."""
    values = [
        # In two lines: a phone has no room for it in one.
        (one, use[one.cell][0], f"{use[one.cell][0]:.1%}<br>{use[one.cell][1]}")
        for one in group.cells
        if one.cell in use
    ]
    if not values:
        return None
    spec = bars(group, values, "share of the float32 peak")
    spec["layout"]["xaxis"] |= {"tickformat": PERCENT}
    return Chart(
        title="Share of peak",
        about="Model FLOPs a second over the best matrix product of this machine, and what bounds "
        "the cell, by a rule of thumb.",
        spec=spec,
    )


def charts(group: Group, use: Mapping[Cell, tuple[float, str]]) -> list[Chart]:
    """Every chart that the group has figures for."""
    made = (
        pace(group),
        windows(group),
        accuracy(group),
        *(
            curves(group, of=of, seconds=seconds)
            for of in ("loss", "accuracy")
            for seconds in (False, True)
        ),
        to_accuracy(group),
        memory(group),
        start(group),
        break_even(group),
        peak(group, use),
    )
    return [chart for chart in made if chart]
