"""Lines below a table: warnings, ties, gains from a mode or a device, and published times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval
from bench.records.snapshot import Snapshot
from bench.report.common.text import (
    count_text,
    estimate_text,
    mode_text,
    ratio_text,
    seconds_text,
)
from bench.report.common.ties import listed
from bench.report.run.literature import PUBLISHED

# The cell that each ratio compares with, which differs in one condition, by the ratio's field.
GAINS = {
    "tuned": "with the default tuning",
    "on_gpu": "on the CPU",
    "reduced": "in float32",
}


def warnings(summaries: Sequence[CellSummary], snapshot: Snapshot) -> Iterator[str]:
    """Which cells failed, and which figures are not to be trusted."""
    for summary in summaries:
        if not summary.ok:
            yield f"{_name(summary, snapshot)}: {summary.status}: {summary.reason}"
    for summary in summaries:
        if summary.mostly_contended:
            yield (
                f"{_name(summary, snapshot)}: {summary.contended:.0%} of its windows were "
                "contended: not to be trusted, measure again on a quiet machine"
            )
    for summary in summaries:
        if summary.gpu_others:
            yield (
                f"{_name(summary, snapshot)}: the GPU was also used by "
                f"{'; '.join(summary.gpu_others)}: not to be trusted, measure again with nothing "
                "else on it"
            )
    for summary in summaries:
        if summary.fallen_first_step:
            first, later = map(seconds_text, summary.fallen_first_step)
            yield (
                f"{_name(summary, snapshot)}: the first step took {first} in the first block and "
                f"{later} in later ones: something is kept between processes, or the first one "
                "waited for the disk"
            )
    for summary in summaries:
        if summary.unsteady:
            processes = "process" if summary.repeats == 1 else "processes"
            yield (
                f"{_name(summary, snapshot)}: the pace had not settled by the end of the warm-up "
                f"in {summary.unsteady} of {summary.repeats} {processes}"
            )


def only_alone(cells: Sequence[CellSummary], snapshot: Snapshot) -> Iterator[str]:
    """Which cells are tied with the fastest, although the interval of their ratio excludes 1."""
    names = [
        _name(summary, snapshot)
        for summary in cells
        if summary.among_fastest and summary.relative and not summary.relative.includes(1)
    ]
    if names:
        yield (
            f"ranks and ties are at 95 % for all {math.comb(len(cells), 2)} pairs of this table "
            "together; by the interval of its ratio alone, at 95 % for one pair, "
            f"{listed(names, 'or')} would be slower than the fastest"
        )


def gains(summaries: Sequence[CellSummary], snapshot: Snapshot) -> Iterator[str]:
    """How much faster a cell is than the one that differs from it in a single condition."""
    for field, plain in GAINS.items():
        for summary in summaries:
            interval: Interval | None = getattr(summary, field)
            if interval:
                times = estimate_text(interval, ratio_text)
                text = f"{_name(summary, snapshot)}: {times} times as fast as {plain}"
                if field == "reduced" and summary.metric_change is not None:
                    metric = snapshot.metric(summary.cell.task)
                    text += f", {metric.name} {metric.change_text(summary.metric_change)}"
                yield text
    for summary in summaries:
        if summary.break_even is not None:
            yield f"{_name(summary, snapshot)}: {_pays_off(summary.break_even)}"


def published(
    task: str, length: int | None, summaries: Sequence[CellSummary], snapshot: Snapshot
) -> Iterator[str]:
    """The time of a task's whole recipe at these paces, and the times that others have published.

    `length` is the number of tokens to which its texts were cut, if any: a pace on texts of another
    length cannot be compared.
    """
    facts = PUBLISHED.get(task)
    if facts is None or (length and length != facts.length):
        return
    if paces := [
        f"{_name(summary, snapshot)} {seconds_text(facts.examples / pace)}"
        for summary in summaries
        if summary.ok and (pace := summary.samples_per_second)
    ]:
        yield (
            f"the whole recipe, {facts.examples:,} training samples, at these paces: "
            f"{', '.join(paces)}"
        )
    times = "; ".join(
        f"{library} {' and '.join(f'{value} s' for value in seconds)}"
        for library, seconds in facts.seconds.items()
    )
    yield (
        f"published for it in {facts.year}, on a {' and a '.join(facts.devices)}: {times}; "
        f"accuracy {facts.accuracy} ({facts.source})"
    )


def _name(summary: CellSummary, snapshot: Snapshot) -> str:
    cell = summary.cell
    return f"{snapshot.framework_title(cell.framework)} {mode_text(cell.mode, cell.tuning)}"


def _pays_off(epochs: float) -> str:
    if not math.isfinite(epochs):
        return "never pays off, as it is no faster than eager mode"
    when = f"after {count_text(epochs)} such epochs" if epochs else "from the first step on"
    if 0 < epochs < 0.01:
        when = "within the first hundredth of such an epoch"
    return f"pays off against eager mode {when}"
