"""Pure functions from records to estimates. Nothing here is stored: it is worked out when read."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench import tasks
from bench.core.record import Cell, Measurement, Record, Status


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


def accuracy_p_value(records: Iterable[Record]) -> float | None:
    """How likely the cells' final accuracies are to differ so by their seeds alone.

    One-way analysis of variance: the variance between cells against that between the repeats of a
    cell, which have other seeds. None where no two cells were repeated.
    """
    by_cell: dict[Cell, list[float]] = defaultdict(list)
    for record in records:
        if record.measurement:
            by_cell[record.job.cell].append(record.measurement.evaluations[-1].accuracy)
    groups = [group for group in by_cell.values() if len(group) > 1]
    if len(groups) < 2:
        return None
    if all(len(set(group)) == 1 for group in groups):
        return 1.0 if len({group[0] for group in groups}) == 1 else 0.0
    from scipy.stats import f_oneway  # only now: it takes longer to import than all the rest

    return float(f_oneway(*groups).pvalue)


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One cell over its repeats: the first status that is not ok, figures of those that are."""

    cell: Cell
    status: Status
    reason: str
    repeats: int
    data: str
    throughput: Spread | None = None
    accuracy: Spread | None = None
    first_step: float | None = None
    import_seconds: float | None = None
    evaluation: float | None = None
    peak_resident_bytes: float | None = None
    peak_device_bytes: float | None = None
    training_seconds: float | None = None
    time_to_accuracy: float | None = None
    parameters: int | None = None


def _data_label(record: Record) -> str:
    """What the cell was trained on: real data, or not, or not quite the official ones."""
    dataset = record.dataset
    if not dataset:
        return ""
    if dataset["source"] != "real":
        return str(dataset["source"])
    odd = [split for split, official in dataset["official"].items() if not official]
    return f"real, {' and '.join(odd)} not official" if odd else "real"


def summarize(records: Iterable[Record]) -> list[CellSummary]:
    """One summary a cell, in the order in which the cells first appear."""
    by_cell: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        by_cell[record.job.cell].append(record)
    return [_summary(cell, repeats) for cell, repeats in by_cell.items()]


def _summary(cell: Cell, repeats: list[Record]) -> CellSummary:
    bad = next((record for record in repeats if record.status != "ok"), None)
    good = [(record, record.measurement) for record in repeats if record.measurement]
    summary = CellSummary(
        cell=cell,
        status=bad.status if bad else "ok",
        reason=bad.reason if bad else "",
        repeats=len(repeats),
        data=next((label for record in repeats if (label := _data_label(record))), ""),
    )
    if not good:
        return summary
    measured = [measurement for _, measurement in good]
    target = tasks.load(cell.task).target_accuracy
    reached = [time_to_accuracy(one, target) or 0.0 for one in measured]
    device = [one.peak_device_bytes for one in measured if one.peak_device_bytes is not None]
    return CellSummary(
        **{
            **vars(summary),
            "throughput": Spread.of(throughput(one, record.batch) for record, one in good),
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
