"""From the processes of one cell to its summary."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from bench.analysis import contention
from bench.analysis.cell_summary import CellSummary, Spread
from bench.analysis.intervals import geometric_mean
from bench.analysis.processes import (
    Process,
    evaluation_throughput,
    seconds_at,
    time_to_target,
)
from bench.core.dataset_info import data_label
from bench.core.measurement import Measurement
from bench.core.record import Cell, Record
from bench.records.snapshot import MetricSnapshot

# Seconds by which the first step falls if a program was compiled once for all processes. Reading a
# file from the disk for the first time takes some hundredths.
FALL = 0.5


def estimate(cell: Cell, repeats: Sequence[Process], metric: MetricSnapshot) -> CellSummary:
    """A cell's summary, with the figures that follow from its own processes alone.

    `metric` is its task's.
    """
    records = [process.record for process in repeats]
    failed = next((record for record in records if record.status != "ok"), None)
    summary = CellSummary(
        cell=cell,
        status=failed.status if failed else "ok",
        reason=failed.reason if failed else "",
        repeats=len(records),
        data=next((data_label(record.dataset) for record in records if record.dataset), ""),
    )
    measured = [process for process in repeats if process.record.measurement]
    if not measured:
        return summary
    summary = _with_pace(summary, measured)
    summary = _with_training(summary, [process.record for process in measured], metric)
    return _with_gpu(summary, [process.record for process in measured])


def _with_pace(summary: CellSummary, measured: Sequence[Process]) -> CellSummary:
    throughputs = {process.record.job.block: process.throughput or 0.0 for process in measured}
    shares = {process.record.job.block: process.contended_share for process in measured}
    records = [process.record for process in measured]
    measurements = [record.measurement for record in records if record.measurement]
    return replace(
        summary,
        throughputs=throughputs,
        disturbed=frozenset(block for block, share in shares.items() if contention.too_much(share)),
        throughput=geometric_mean(throughputs.values()),
        contended=statistics.fmean(shares.values()) if contention.counted(measurements) else None,
        unsteady=sum(not measurement.steady for measurement in measurements),
        feed_share=_feed_share(summary.cell, records, throughputs),
        joules=_joules_a_sample(records, attrgetter("joules")),
        device_joules=_joules_a_sample(records, attrgetter("device_joules")),
    )


def _with_training(
    summary: CellSummary, records: Sequence[Record], metric: MetricSnapshot
) -> CellSummary:
    measurements = [record.measurement for record in records if record.measurement]
    reached = [time_to_target(measurement, metric) for measurement in measurements]

    times = [seconds for seconds in reached if seconds is not None]

    def median(read: Callable[[Measurement], float]) -> float:
        return statistics.median(map(read, measurements))

    return replace(
        summary,
        metric=Spread.of(measurement.evaluations[-1].metric for measurement in measurements),
        first_step=median(attrgetter("first_step_seconds")),
        fallen_first_step=_fallen_first_step(records),
        import_seconds=median(attrgetter("import_seconds")),
        build_seconds=median(attrgetter("build_seconds")),
        warmup_seconds=median(attrgetter("warmup_seconds")),
        epoch_samples=statistics.median(
            record.batch * record.measurement.evaluations[-1].step / record.job.budget.epochs
            for record in records
            if record.measurement
        ),
        evaluation=median(evaluation_throughput),
        peak_resident_bytes=max(measurement.peak_resident_bytes for measurement in measurements),
        training_seconds=median(
            lambda measurement: seconds_at(measurement, measurement.evaluations[-1].step)
        ),
        time_to_target=statistics.median(times) if len(times) == len(reached) else None,
        parameters=measurements[0].parameter_count,
    )


def _fallen_first_step(records: Sequence[Record]) -> tuple[float, float] | None:
    """Seconds of the first step in the first block, and their median in later ones.

    None unless it fell by more than half, and by more than `FALL`: every process starts anew, so
    that it should not.
    """
    seconds = {
        record.job.block: record.measurement.first_step_seconds
        for record in records
        if record.measurement
    }
    first = seconds.pop(0, None)
    if first is None or not seconds:
        return None
    later = statistics.median(seconds.values())
    return (first, later) if first > 2 * later and first - later > FALL else None


def _with_gpu(summary: CellSummary, records: Sequence[Record]) -> CellSummary:
    peaks = [record.measurement.peak_device_bytes for record in records if record.measurement]
    gpus = [record.gpu for record in records if record.gpu]
    # Memory that others held beside a process cannot be told from its own.
    alone = [record.gpu for record in records if record.gpu and (record.companions or 1) == 1]
    return replace(
        summary,
        peak_device_bytes=max((peak for peak in peaks if peak is not None), default=None),
        driver_bytes=max(
            (gpu.peak_bytes for gpu in alone if gpu.peak_bytes is not None), default=None
        ),
        gpu_others=tuple(dict.fromkeys(other for gpu in gpus for other in gpu.others)),
    )


def _feed_share(
    cell: Cell, records: Sequence[Record], throughputs: Mapping[int, float]
) -> float | None:
    """The share of a training step that staging its batch takes; None if staged beforehand."""
    shares = [
        record.measurement.feed_seconds * throughputs[record.job.block] / record.batch
        for record in records
        if record.measurement and record.measurement.feed_seconds is not None
    ]
    if cell.feed == "device" or len(shares) < len(records):
        return None
    return statistics.median(shares)


def _joules_a_sample(
    records: Sequence[Record], read: Callable[[Measurement], float | None]
) -> float | None:
    """Energy for each training sample, over all windows; None if a process lacks its energy."""
    joules, samples = 0.0, 0
    for record in records:
        if record.measurement is None or (energy := read(record.measurement)) is None:
            return None
        joules += energy
        samples += record.batch * sum(record.measurement.windows.steps)
    return joules / samples
