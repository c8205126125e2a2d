"""Charts of a table's cells, as plain data from which the page draws plotly figures."""

from __future__ import annotations

from bench.report.common.plotting import (
    PERCENT,
    Bar,
    Chart,
    ChartedTable,
    Dots,
    bars,
    dots,
    layout,
)
from bench.report.common.text import capitalized, count_text, seconds_text
from bench.report.run.cost_charts import (
    break_even,
    energy,
    evaluation,
    memory,
    peak,
    start,
)
from bench.report.run.curves import curves, windows

# The end of the throughput axis for very wide intervals, in multiples of the fastest process.
WIDEST_REACH = 2.0


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
        evaluation(charted),
        energy(charted),
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
        spec={
            "data": dots(charted.labels, charted.marks, figures, count_text, "samples/s"),
            "layout": axes,
        },
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
        spec={
            "data": dots(charted.labels, charted.marks, figures, metric.text, metric.name),
            "layout": axes,
        },
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
        for summary in charted.table.ok
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
