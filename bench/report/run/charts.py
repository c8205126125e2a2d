"""Charts of a table's cells: plotly figures as plain data, which the page draws."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.cell_summary import CellSummary
from bench.report.common.plotting import (
    PERCENT,
    Bar,
    Chart,
    ChartedTable,
    Dots,
    Spec,
    bars,
    dots,
    layout,
    trace,
)
from bench.report.common.text import bytes_text, count_text, percent, seconds_text
from bench.report.run.curves import curves, windows

# How far intervals are drawn, in multiples of the fastest process.
WIDEST_REACH = 2.0
# The stages before training is under way: the field, and a grey from light to dark.
STAGES = {
    "import": ("import_seconds", "#BBBBBB"),
    "build": ("build_seconds", "#888888"),
    "first step": ("first_step", "#444444"),
}
# Lines that cross later than this are not followed so far.
MOST_EPOCHS = 1e4


def charts(charted: ChartedTable) -> list[Chart]:
    """Every chart that the table has figures for."""
    drawn = (
        pace(charted),
        windows(charted),
        accuracy(charted),
        *(
            curves(charted, of=of, seconds=seconds)
            for of in ("loss", "accuracy")
            for seconds in (False, True)
        ),
        to_accuracy(charted),
        memory(charted),
        start(charted),
        break_even(charted),
        peak(charted),
    )
    return [chart for chart in drawn if chart]


def pace(charted: ChartedTable) -> Chart | None:
    """Throughput of each cell with its interval and its repeats."""
    figures = [
        Dots(
            cell=summary.cell,
            middle=summary.throughput.estimate,
            ends=(summary.throughput.low, summary.throughput.high)
            if summary.throughput.known
            else None,
            repeats=[*summary.throughputs.values()],
        )
        for summary in charted.summaries
        if summary.throughput
    ]
    if not figures:
        return None
    axes = layout("training samples a second", categories=len(figures))
    axes["xaxis"] |= {"rangemode": "tozero"}
    about = (
        "Further right is faster. Bars are 95 % intervals, small marks single processes. "
        "Cells whose bars overlap may still differ surely: they are compared block by block."
    )
    fastest = max(max(figure.middle, *figure.repeats) for figure in figures)
    if any(figure.ends and figure.ends[1] > WIDEST_REACH * fastest for figure in figures):
        # With two processes, an interval may reach to many times the pace of any.
        axes["xaxis"] |= {"range": [0, WIDEST_REACH * fastest]}
        about += " A bar that reaches the edge goes on beyond it."
    return Chart(
        title="Throughput",
        about=about,
        spec={"data": dots(charted, figures, count_text), "layout": axes},
    )


def accuracy(charted: ChartedTable) -> Chart | None:
    """Final test accuracy of each cell, with the lowest and highest of its repeats."""
    figures = [
        Dots(
            cell=summary.cell,
            middle=summary.accuracy.median,
            ends=(summary.accuracy.low, summary.accuracy.high),
            repeats=[
                measurement.evaluations[-1].accuracy
                for measurement in charted.measurements(summary.cell)
            ],
        )
        for summary in charted.summaries
        if summary.accuracy
    ]
    if not figures:
        return None
    axes = layout("test accuracy", categories=len(figures))
    axes["xaxis"] |= {"tickformat": PERCENT}
    return Chart(
        title="Accuracy",
        about="After the last epoch: the median of the repeats, with the lowest and the highest. "
        "The task is the same, so that only seeds and rounding should make a difference.",
        spec={"data": dots(charted, figures, percent), "layout": axes},
    )


def to_accuracy(charted: ChartedTable) -> Chart | None:
    """Training seconds until the task's target accuracy was reached."""
    figures = [
        Bar(cell=one.cell, value=one.time_to_accuracy, text=seconds_text(one.time_to_accuracy))
        for one in charted.summaries
        if one.time_to_accuracy is not None
    ]
    if not figures or charted.target is None:
        return None
    missing = [
        charted.labels[one.cell] for one in charted.summaries if one.time_to_accuracy is None
    ]
    about = (
        f"Training seconds until an evaluation first reached {charted.target:.0%}, which is after "
        "an epoch: the median of the repeats."
    )
    if missing:
        about += f" Not reached in every repeat by {', '.join(missing)}."
    return Chart(
        title=f"Time to {charted.target:.0%} accuracy",
        about=about,
        spec=bars(charted, figures, "training seconds"),
    )


def memory(charted: ChartedTable) -> Chart | None:
    """Throughput against memory, with the cells that no other beats in both."""
    points = [
        (summary, held, summary.throughput.estimate)
        for summary in charted.summaries
        if summary.throughput and (held := _held(summary))
    ]
    if len(points) < 2:
        return None
    traces = [_pareto_front([(held, fast) for _, held, fast in points])]
    for summary, held, fast in points:
        label = charted.labels[summary.cell]
        text = f"{label}: {count_text(fast)} samples/s, {bytes_text(held)}"
        traces.append(
            trace(
                summary.cell,
                label,
                x=[held / 1e6],
                y=[fast],
                mode="markers",
                cliponaxis=False,
                marker=charted.marks.marker(summary.cell, 12),
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


def _held(summary: CellSummary) -> float | None:
    """Bytes: the device's where the framework tells them, else the process's."""
    return summary.peak_device_bytes or summary.peak_resident_bytes


def _pareto_front(points: Sequence[tuple[float, float]]) -> Spec:
    """A line through the points, (bytes, samples a second), that no other beats in both."""
    front = sorted(
        (held, fast)
        for held, fast in points
        if not any(h <= held and f >= fast and (h, f) != (held, fast) for h, f in points)
    )
    return {
        "x": [held / 1e6 for held, _ in front],
        "y": [fast for _, fast in front],
        "mode": "lines",
        "line": {"color": "#888888", "dash": "dot", "shape": "hv", "width": 1.5},
        "name": "Pareto front",
        "hoverinfo": "skip",
    }


def start(charted: ChartedTable) -> Chart | None:
    """What it takes before training is under way: import, build, first step."""
    shown = [summary for summary in charted.summaries if summary.first_step is not None]
    if not shown:
        return None
    traces = [
        trace(
            summary.cell,
            stage,
            type="bar",
            orientation="h",
            x=[seconds],
            y=[charted.labels[summary.cell]],
            marker={"color": grey},
            legendgroup=stage,
            showlegend=summary is shown[0],
            hovertemplate=f"{stage}: {seconds_text(seconds)}<extra></extra>",
        )
        for summary in shown
        for stage, (name, grey) in STAGES.items()
        if (seconds := getattr(summary, name)) is not None
    ]
    axes = layout("seconds", categories=len(shown) + 1, legend=True)
    return Chart(
        title="Before training: import, build, first step",
        about="Medians of the repeats. The build makes the network and its optimizer, and includes "
        "what is imported only then: PyTorch's compiler, by its optimizers. The first step "
        "includes tracing and compiling.",
        spec={"data": traces, "layout": {**axes, "barmode": "stack"}},
    )


def break_even(charted: ChartedTable) -> Chart | None:
    """Seconds since the build began, by epochs, where a framework has several modes."""
    by_framework: dict[str, list[CellSummary]] = {}
    for summary in charted.summaries:
        if summary.throughput and summary.epoch_samples and summary.cell.tuning == "expert":
            by_framework.setdefault(summary.cell.framework, []).append(summary)
    several = [one for cells in by_framework.values() if len(cells) > 1 for one in cells]
    if not several:
        return None
    crossings = [at for one in several if (at := one.break_even) and at < MOST_EPOCHS]
    last = max(10.0, 1.5 * max(crossings, default=0.0))
    traces = []
    for summary in several:
        assert summary.throughput and summary.epoch_samples
        before = (summary.build_seconds or 0.0) + (summary.first_step or 0.0)
        epoch = summary.epoch_samples / summary.throughput.estimate
        shown: Spec = {"x": [0.0, last], "y": [before, before + last * epoch], "mode": "lines"}
        shown["line"] = charted.marks.line(summary.cell, 1, 3)
        traces.append(trace(summary.cell, charted.labels[summary.cell], **shown))
    return Chart(
        title="When compiling pays off",
        about="Build, first step and training, added up. Compiling has paid off where the two "
        "lines of a framework cross.",
        spec={"data": traces, "layout": layout("epochs", "seconds", legend=True)},
    )


def peak(charted: ChartedTable) -> Chart | None:
    """Share of the machine's peak, and what bounds each cell."""
    figures = [
        # In two lines: a phone has no room for it in one.
        Bar(
            cell=summary.cell,
            value=summary.use.share,
            text=f"{summary.use.share:.1%}<br>{summary.use.bound}",
        )
        for summary in charted.summaries
        if summary.use
    ]
    if not figures:
        return None
    spec = bars(charted, figures, "share of the float32 peak")
    spec["layout"]["xaxis"] |= {"tickformat": PERCENT}
    return Chart(
        title="Share of peak",
        about="Model FLOPs a second over the rate of this machine's fastest matrix product, and "
        "what bounds the cell, by a rule of thumb.",
        spec=spec,
    )
