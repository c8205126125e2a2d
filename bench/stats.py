"""Pure functions from records to estimates. Nothing here is stored: it is worked out when read."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from bench import accuracy, tasks
from bench.core.data import data_label
from bench.core.record import Cell, Measurement, Record, Status
from bench.estimate import Interval, geometric_mean, ranks, ratio

# Cells that agree in these can be compared: they differ in framework and mode alone.
CONDITIONS = ("task", "device", "precision", "threads", "feed")
conditions = attrgetter(*CONDITIONS)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The median over repeats, and the lowest and highest."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        ordered = sorted(values)
        return Spread(median=statistics.median(ordered), low=ordered[0], high=ordered[-1])


def throughput(measurement: Measurement, batch: int) -> float:
    """Training samples a second in steady state: the median over the windows of one process."""
    return statistics.median(window.steps * batch / window.wall for window in measurement.windows)


def evaluation_throughput(measurement: Measurement) -> float:
    """Test samples a second, over all evaluations of one process."""
    examples = sum(one.examples for one in measurement.evaluations)
    return examples / sum(one.wall for one in measurement.evaluations)


def time_to_accuracy(measurement: Measurement, target: float) -> float | None:
    """Training seconds (windows alone) until an evaluation first reaches `target`, or None."""
    for evaluation in measurement.evaluations:
        if evaluation.accuracy >= target:
            seconds, steps = 0.0, 0
            for window in measurement.windows:
                if steps >= evaluation.step:
                    break
                seconds, steps = seconds + window.wall, steps + window.steps
            return seconds
    return None


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One cell over its repeats: the first status that is not ok, figures of those that are.

    `throughputs` are by block, `throughput` is their geometric mean. `relative` is the ratio to the
    fastest cell under the same conditions, and `rank` the place among them, as in
    `estimate.ranks`; a cell that is not ok has neither.
    """

    cell: Cell
    status: Status
    reason: str
    repeats: int
    data: str
    throughputs: dict[int, float] = field(default_factory=dict)
    throughput: Interval | None = None
    relative: Interval | None = None
    rank: str = ""
    accuracy: Spread | None = None
    first_step: float | None = None
    import_seconds: float | None = None
    evaluation: float | None = None
    peak_resident_bytes: float | None = None
    peak_device_bytes: float | None = None
    training_seconds: float | None = None
    time_to_accuracy: float | None = None
    parameters: int | None = None


def summarize(records: Iterable[Record]) -> list[CellSummary]:
    """One summary a cell, in the order in which the cells first appear.

    A cell that ends at an accuracy which its seeds do not explain is `wrong`.
    """
    by_cell: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        by_cell[record.job.cell].append(record)
    summaries = {cell: _summary(cell, repeats) for cell, repeats in by_cell.items()}
    apart = accuracy.unexplained(record for repeats in by_cell.values() for record in repeats)
    for cell, reason in apart.items():
        if summaries[cell].status == "ok":
            summaries[cell] = replace(summaries[cell], status="wrong", reason=reason)
    comparable: dict[tuple[object, ...], list[CellSummary]] = defaultdict(list)
    for one in summaries.values():
        if one.status == "ok":
            comparable[conditions(one.cell)].append(one)
    for group in comparable.values():
        summaries.update({one.cell: one for one in _compared(group)})
    return list(summaries.values())


def _compared(group: Sequence[CellSummary]) -> list[CellSummary]:
    """Cells under the same conditions, all of them ok, with their ranks and ratios."""
    ratios = [[ratio(one.throughputs, other.throughputs) for other in group] for one in group]
    means = [one.throughput.estimate if one.throughput else 0.0 for one in group]
    fastest = means.index(max(means))
    return [
        replace(one, relative=row[fastest], rank=rank)
        for one, row, rank in zip(group, ratios, ranks(ratios), strict=True)
    ]


def _summary(cell: Cell, repeats: list[Record]) -> CellSummary:
    bad = next((record for record in repeats if record.status != "ok"), None)
    good = [(record, record.measurement) for record in repeats if record.measurement]
    summary = CellSummary(
        cell=cell,
        status=bad.status if bad else "ok",
        reason=bad.reason if bad else "",
        repeats=len(repeats),
        data=next((data_label(one.dataset) for one in repeats if one.dataset), ""),
    )
    if not good:
        return summary
    measured = [measurement for _, measurement in good]
    throughputs = {record.job.block: throughput(one, record.batch) for record, one in good}
    target = tasks.load(cell.task).target_accuracy
    reached = [time_to_accuracy(one, target) or 0.0 for one in measured]
    device = [one.peak_device_bytes for one in measured if one.peak_device_bytes is not None]
    return CellSummary(
        **{
            **vars(summary),
            "throughputs": throughputs,
            "throughput": geometric_mean(throughputs.values()),
            "accuracy": Spread.of(one.evaluations[-1].accuracy for one in measured),
            "first_step": statistics.median(one.first_step_seconds for one in measured),
            "import_seconds": statistics.median(one.import_seconds for one in measured),
            "evaluation": statistics.median(evaluation_throughput(one) for one in measured),
            "peak_resident_bytes": max(one.peak_resident_bytes for one in measured),
            "peak_device_bytes": max(device) if device else None,
            "training_seconds": statistics.median(
                sum(window.wall for window in one.windows) for one in measured
            ),
            "time_to_accuracy": statistics.median(reached) if all(reached) else None,
            "parameters": measured[0].parameter_count,
        }
    )
