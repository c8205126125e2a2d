"""Charts of a table's cells, as plain data from which the page draws plotly figures."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.grouping import grouped
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
from bench.report.common.text import bytes_text, capitalized, count_text, seconds_text
from bench.report.run.curves import curves, windows

# The end of the throughput axis for very wide intervals, in multiples of the fastest process.
WIDEST_REACH = 2.0
# The stages before steady training: the summary's field, and a grey from light to dark.
STAGES = {
    "import": ("import_seconds", "#BBBBBB"),
    "build": ("build_seconds", "#888888"),
    "first step": ("first_step", "#444444"),
}
# The chart does not extend to lines that cross after more epochs than this.
MOST_EPOCHS = 1e4


def charts(charted: ChartedTable) -> list[Chart]:
    """Every chart for which the table has figures."""
    candidates = (
        pace(charted),
        windows(charted),
        final_metric(charted),
        *(
            curves(charted, of=of, seconds=seconds)
            for of in ("loss", "metric")
            for seconds in (False, True)
        ),
        to_target(charted),
        memory(charted),
        start(charted),
        break_even(charted),
        peak(charted),
    )
    return [chart for chart in candidates if chart]


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
        # With two processes, an interval may extend to many times the pace of either.
        axes["xaxis"] |= {"range": [0, WIDEST_REACH * fastest]}
        about += " A bar that reaches the edge goes on beyond it."
    return Chart(
        title="Throughput",
        about=about,
        spec={"data": dots(charted.labels, charted.marks, figures, count_text), "layout": axes},
        main=True,
    )


def final_metric(charted: ChartedTable) -> Chart | None:
    """Final test metric of each cell, with the lowest and highest of its repeats."""
    figures = [
        Dots(
            cell=summary.cell,
            middle=summary.metric.median,
            ends=(summary.metric.low, summary.metric.high),
            repeats=[
                measurement.evaluations[-1].metric
                for measurement in charted.measurements(summary.cell)
            ],
        )
        for summary in charted.summaries
        if summary.metric
    ]
    if not figures:
        return None
    metric = charted.metric
    axes = layout(f"test {metric.name}", categories=len(figures))
    if metric.is_fraction:
        axes["xaxis"] |= {"tickformat": PERCENT}
    return Chart(
        title=capitalized(metric.name),
        about="After the last epoch: the median of the repeats, with the lowest and the highest. "
        "The task is the same, so that only seeds and rounding should make a difference.",
        spec={"data": dots(charted.labels, charted.marks, figures, metric.text), "layout": axes},
    )


def to_target(charted: ChartedTable) -> Chart | None:
    """Training seconds until the target of the task's metric was reached."""
    figures = [
        Bar(cell=summary.cell, value=seconds, text=seconds_text(seconds))
        for summary in charted.summaries
        if (seconds := summary.time_to_target) is not None
    ]
    if not figures:
        return None
    missing = [
        charted.names[summary.cell]
        for summary in charted.summaries
        if summary.time_to_target is None
    ]
    about = (
        f"Training seconds until an evaluation, at the end of an epoch, first reached "
        f"{charted.metric.goal}: the median of the repeats."
    )
    if missing:
        about += f" Not reached in every repeat by {', '.join(missing)}."
    return Chart(
        title=f"Time to {charted.metric.goal} {charted.metric.name}",
        about=about,
        spec=bars(charted, figures, "training seconds"),
    )


def memory(charted: ChartedTable) -> Chart | None:
    """Throughput against memory, with the Pareto front: the cells that no other beats in both."""
    points = [
        (summary, memory_bytes, summary.throughput.estimate)
        for summary in charted.summaries
        if summary.throughput and (memory_bytes := summary.memory_bytes)
    ]
    if len(points) < 2:
        return None
    traces = [_pareto_front([(memory_bytes, pace) for _, memory_bytes, pace in points])]
    for summary, memory_bytes, pace in points:
        label = charted.labels[summary.cell]
        text = f"{label}: {count_text(pace)} samples/s, {bytes_text(memory_bytes)}"
        traces.append(
            trace(
                summary.cell,
                label,
                x=[memory_bytes / 1e6],
                y=[pace],
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
        about="Higher is faster, further left is smaller. No cell beats those on the dotted line "
        "(the Pareto front) in both.",
        spec={"data": traces, "layout": axes},
        main=True,
    )


def _pareto_front(points: Sequence[tuple[float, float]]) -> Spec:
    """A line through the points (bytes, samples a second) that no other beats in both."""
    front = sorted(
        point
        for point in points
        if not any(
            other[0] <= point[0] and other[1] >= point[1] and other != point for other in points
        )
    )
    return {
        "x": [memory_bytes / 1e6 for memory_bytes, _ in front],
        "y": [pace for _, pace in front],
        "mode": "lines",
        "line": {"color": "#888888", "dash": "dot", "shape": "hv", "width": 1.5},
        "name": "Pareto front",
        "hoverinfo": "skip",
    }


def start(charted: ChartedTable) -> Chart | None:
    """Seconds before steady training, in stages: import, build, first step."""
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
        "imports that happen only then, such as PyTorch's compiler, which its optimizers import. "
        "The first step includes tracing and compiling.",
        spec={"data": traces, "layout": {**axes, "barmode": "stack"}},
    )


def break_even(charted: ChartedTable) -> Chart | None:
    """Seconds since the build began, by epochs, of each framework with several modes."""
    drawable = (
        summary
        for summary in charted.summaries
        if summary.throughput and summary.epoch_samples and summary.cell.tuning == "expert"
    )
    by_framework = grouped(drawable, lambda summary: summary.cell.framework)
    several = [summary for modes in by_framework.values() if len(modes) > 1 for summary in modes]
    if not several:
        return None
    crossings = [
        epochs for summary in several if (epochs := summary.break_even) and epochs < MOST_EPOCHS
    ]
    last = max(10.0, 1.5 * max(crossings, default=0.0))
    traces = []
    for summary in several:
        assert summary.throughput and summary.epoch_samples
        before = (summary.build_seconds or 0.0) + (summary.first_step or 0.0)
        epoch = summary.epoch_samples / summary.throughput.estimate
        line: Spec = {"x": [0.0, last], "y": [before, before + last * epoch], "mode": "lines"}
        line["line"] = charted.marks.line(summary.cell, 1, 3)
        traces.append(trace(summary.cell, charted.labels[summary.cell], **line))
    return Chart(
        title="When compiling pays off",
        about="Build, first step and training, added up. Compiling has paid off where the two "
        "lines of a framework cross.",
        spec={"data": traces, "layout": layout("epochs", "seconds", legend=True)},
    )


def peak(charted: ChartedTable) -> Chart | None:
    """Share of the machine's peak, and what bounds each cell."""
    figures = [
        # In two lines, because a phone has no room for one.
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
