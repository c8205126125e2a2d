"""Figures of one process: its pace, its evaluations, and when it reached its target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis import contention
from bench.core.record import Measurement, Record


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of a run, and what its windows say.

    `line` is that of its record in `records.jsonl`, from 1. `throughput` is in training samples a
    second; `contended` marks the windows that others disturbed. A process that measured nothing
    has neither.
    """

    line: int
    record: Record
    throughput: float | None
    contended: tuple[bool, ...]

    @property
    def startup_seconds(self) -> float | None:
        """Seconds of importing the framework and of building the network."""
        done = self.record.measurement
        return done.import_seconds + done.build_seconds if done else None

    @property
    def first_step_seconds(self) -> float | None:
        """Seconds of the first training step."""
        done = self.record.measurement
        return done.first_step_seconds if done else None

    @property
    def peak_bytes(self) -> int | None:
        """The most memory that it held: of the GPU on a GPU, else of the machine."""
        done, on_gpu = self.record.measurement, self.record.job.cell.device == "cuda"
        if done is None:
            return None
        return done.peak_device_bytes if on_gpu else done.peak_resident_bytes

    def seconds_to(self, target: float) -> float | None:
        """Training seconds until an evaluation first reached this accuracy; None if none did."""
        done = self.record.measurement
        return time_to_accuracy(done, target) if done else None

    @property
    def contended_share(self) -> float:
        """The share of its windows that others disturbed; 0 where it has none."""
        return contention.share(self.contended) if self.contended else 0.0

    @property
    def disturbed(self) -> bool:
        """Whether others disturbed too many of its windows for it to count as quiet."""
        return self.contended_share > contention.MOST_CONTENDED


def processes(records: Iterable[Record]) -> list[Process]:
    """The process of each record, in their order."""
    found = []
    for line, record in enumerate(records, start=1):
        marks = contention.contended(record) if record.measurement else []
        pace = throughput(record, marks) if record.measurement else None
        found.append(Process(line=line, record=record, throughput=pace, contended=tuple(marks)))
    return found


def throughput(record: Record, marks: Sequence[bool]) -> float:
    """Training samples a second in steady state: the median over a process's clean windows.

    `marks` tells which windows were contended: `contention.contended`.
    """
    paces = contention.clean_paces(record, marks)
    return statistics.median([steps * record.batch / wall for steps, wall in paces])


def evaluation_throughput(measurement: Measurement) -> float:
    """Test samples a second, over all evaluations of one process."""
    examples = sum(evaluation.examples for evaluation in measurement.evaluations)
    return examples / sum(evaluation.wall for evaluation in measurement.evaluations)


def seconds_at(measurement: Measurement, step: int) -> float:
    """Training seconds (windows alone) until `step` steps were done."""
    seconds, steps = 0.0, 0
    for wall, count in zip(measurement.windows.wall, measurement.windows.steps, strict=True):
        if steps >= step:
            break
        seconds, steps = seconds + wall, steps + count
    return seconds


def time_to_accuracy(measurement: Measurement, target: float) -> float | None:
    """Training seconds (windows alone) until an evaluation first reaches `target`, or None."""
    for evaluation in measurement.evaluations:
        if evaluation.accuracy >= target:
            return seconds_at(measurement, evaluation.step)
    return None
