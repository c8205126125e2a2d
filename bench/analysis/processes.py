"""Figures of one process: its pace, its evaluations, and when it reached its target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from bench.analysis import contention
from bench.core.grouping import grouped
from bench.core.measurement import Measurement
from bench.core.record import Cell, Record
from bench.records.snapshot import MetricSnapshot

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of a run, and the figures from its windows.

    `line` is the line of its record in `records.jsonl`, from 1. `throughput` is in training samples
    a second. `contended` says for each window whether other processes disturbed it. A process
    without a measurement has neither.
    """

    line: int
    record: Record
    throughput: float | None
    contended: tuple[bool, ...]

    @property
    def startup_seconds(self) -> float | None:
        """Seconds of importing the framework and of building the network."""
        measurement = self.record.measurement
        return measurement.import_seconds + measurement.build_seconds if measurement else None

    @property
    def first_step_seconds(self) -> float | None:
        """Seconds of the first training step."""
        measurement = self.record.measurement
        return measurement.first_step_seconds if measurement else None

    @property
    def peak_bytes(self) -> int | None:
        """Peak memory of the GPU for a cell on a GPU, else of the process."""
        measurement = self.record.measurement
        if measurement is None:
            return None
        if self.record.job.cell.device == "cuda":
            return measurement.peak_device_bytes
        return measurement.peak_resident_bytes

    def seconds_to_target(self, metric: MetricSnapshot) -> float | None:
        """Training seconds until an evaluation first reached the target; None if none did."""
        measurement = self.record.measurement
        return time_to_target(measurement, metric) if measurement else None

    def evaluations_to_target(self, metric: MetricSnapshot) -> int | None:
        """How many evaluations it took to reach the target; None if none reached it."""
        measurement = self.record.measurement
        return evaluations_to_target(measurement, metric) if measurement else None

    @property
    def contended_share(self) -> float:
        """The share of its windows that other processes disturbed; 0 if it has no windows."""
        return contention.share(self.contended) if self.contended else 0.0


def by_cell(measured: Iterable[Process]) -> dict[Cell, list[Process]]:
    """The processes of each cell."""
    return grouped(measured, lambda process: process.record.job.cell)


def first_made(
    measured: Iterable[Process], made: Callable[[Measurement], tuple[Made, ...]]
) -> tuple[Made, ...]:
    """What the first of a cell's processes has made that made any: such as texts, or pictures."""
    measurements = (process.record.measurement for process in measured)
    return next((found for one in measurements if one and (found := made(one))), ())


def processes(
    records: Iterable[Record], line_of: Callable[[int], int] = lambda position: position + 1
) -> list[Process]:
    """The process of each record, in their order; `line_of` a record's position is its line."""
    measured = []
    for position, record in enumerate(records):
        marks = contention.contended(record) if record.measurement else []
        pace = throughput(record, marks) if record.measurement else None
        measured.append(
            Process(line=line_of(position), record=record, throughput=pace, contended=tuple(marks))
        )
    return measured


def throughput(record: Record, marks: Sequence[bool]) -> float:
    """Training samples a second in steady state: all samples of a process's clean windows, by
    their seconds. `marks` are the result of `contention.contended`.

    In turns this is steadier than the median of windows: what slows the machine for a while slows
    some windows of every process, and each sum holds its share of that.
    """
    assert record.measurement
    windows, clean = record.measurement.windows, contention.clean(record, marks)
    steps, seconds = compress(windows.steps, clean), compress(windows.wall, clean)
    return record.batch * sum(steps) / math.fsum(seconds)


def evaluation_throughput(measurement: Measurement) -> float:
    """Test samples a second, over all evaluations of one process."""
    examples = sum(evaluation.examples for evaluation in measurement.evaluations)
    return examples / sum(evaluation.wall for evaluation in measurement.evaluations)


def seconds_at(measurement: Measurement, step: int) -> float:
    """Training seconds, in windows only, until `step` steps were done."""
    return sum(measurement.windows.wall[: measurement.windows.count_until(step)])


def time_to_target(measurement: Measurement, metric: MetricSnapshot) -> float | None:
    """Training seconds, in windows only, until an evaluation first reached the target, or None."""
    number = evaluations_to_target(measurement, metric)
    return number and seconds_at(measurement, measurement.evaluations[number - 1].step)


def evaluations_to_target(measurement: Measurement, metric: MetricSnapshot) -> int | None:
    """The number of the evaluation that first reached the target, from 1; None if none did."""
    reached = (metric.reached(evaluation.metric) for evaluation in measurement.evaluations)
    return next((number for number, is_so in enumerate(reached, 1) if is_so), None)
