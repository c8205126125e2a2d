"""Charts of what a cell costs besides time to train: memory, start, energy, share of peak."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.grouping import grouped
from bench.report.common.plotting import (
    PERCENT,
    Bar,
    Chart,
    ChartedTable,
    Spec,
    bars,
    layout,
    point_hover,
    trace,
)
from bench.report.common.text import bytes_text, count_text, seconds_text

# The stages before steady training: the summary's field, and a grey from light to dark.
STAGES = {
    "import": ("import_seconds", "#BBBBBB"),
    "build": ("build_seconds", "#888888"),
    "first step": ("first_step", "#444444"),
}
# The chart does not extend to lines that cross after more epochs than this.
MOST_EPOCHS = 1e4


def memory(charted: ChartedTable) -> Chart | None:
    """Throughput against memory, with the Pareto front: the cells that no other beats in both.

    A cell that is not ok is shown, but neither is on the front nor takes another from it.
    """
    points = [
        (summary, memory_bytes, summary.throughput.estimate)
        for summary in charted.summaries
        if summary.throughput and (memory_bytes := summary.memory_bytes)
    ]
    if len(points) < 2:
        return None
    ok = [(memory_bytes, pace) for summary, memory_bytes, pace in points if summary.ok]
    traces = [_pareto_front(ok)] if ok else []
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
    about = "Higher is faster, further left is smaller."
    if ok:
        which = "No cell" if len(ok) == len(points) else "No cell that is ok"
        about += f" {which} beats those on the dotted line (the Pareto front) in both."
    return Chart(
        title="Speed against memory",
        about=about,
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
            hovertemplate=(
                f"{charted.labels[summary.cell]}<br>{stage}: {seconds_text(seconds)}<extra></extra>"
            ),
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
        label = charted.labels[summary.cell]
        line["hovertemplate"] = point_hover(label, "epochs", "seconds")
        traces.append(trace(summary.cell, label, **line))
    return Chart(
        title="When compiling pays off",
        about="Build, first step and training, added up. Compiling has paid off where the two "
        "lines of a framework cross.",
        spec={"data": traces, "layout": layout("epochs", "seconds", legend=True)},
    )


def evaluation(charted: ChartedTable) -> Chart | None:
    """Test samples a second in evaluations."""
    figures = [
        Bar(cell=summary.cell, value=pace, text=f"{count_text(pace)}<br>samples/s")
        for summary in charted.summaries
        if (pace := summary.evaluation) is not None
    ]
    if not figures:
        return None
    return Chart(
        title="Evaluation",
        about="Test samples a second over all evaluations of a process, from labels staged to "
        "outputs read: the median of the repeats. No gradient is computed, and batches are larger.",
        spec=bars(charted, figures, "test samples a second"),
    )


def energy(charted: ChartedTable) -> Chart | None:
    """Energy for each training sample, of the GPU where the machine reports that, else of the CPU.

    None where it reports neither.
    """
    found = {
        summary.cell: (joules, whose)
        for summary in charted.summaries
        # The GPU's replaces the CPU's.
        for joules, whose in [(summary.joules, "CPU packages"), (summary.device_joules, "GPU")]
        if joules is not None
    }
    if not found:
        return None
    figures = [
        Bar(cell=cell, value=1e3 * joules, text=f"{_energy_text(joules)}<br>{whose}")
        for cell, (joules, whose) in found.items()
    ]
    return Chart(
        title="Energy for each sample",
        about="As the machine's counters report it, over all timed windows, and by the samples "
        "that were trained in them.",
        spec=bars(charted, figures, "millijoules a training sample"),
    )


def _energy_text(joules: float) -> str:
    """In millijoules, or in microjoules below 1 mJ."""
    return f"{count_text(1e3 * joules)} mJ" if joules >= 1e-3 else f"{count_text(1e6 * joules)} µJ"


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
