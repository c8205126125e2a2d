"""Whether a record can be true: figures that no worker can have measured would spoil all others.

Types are checked where records are read. This is about values: a window of no seconds has no pace,
and what is beyond the range of a clock, of float32 or of an address overflows in some statistic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from bench.core.measurement import Measurement
from bench.core.record import Record

# Seconds that a clock can tell.
_LEAST, _MOST = 1e-9, 1e9
# More than float32 can hold, and more than can be counted or addressed.
_HUGE, _COUNT = 1e39, 1 << 62
# More than a test set has to translate: texts of a sample, and characters of all of them together.
_PASSAGES, _CHARACTERS = 2_000, 1_000_000
# More than a person looks at.
_PICTURES = 20


def objection(record: Record) -> str:
    """Why a record cannot be true; "" if it can."""
    job, measured = record.job, record.measurement
    if record.status == "ok" and not measured:
        return "ok, but without a measurement"
    if not (0 <= job.block <= _COUNT and 0 <= job.seed <= _COUNT):
        return "its block or seed is impossible"
    if not (1 <= record.batch <= _COUNT and 1 <= job.cell.threads <= _COUNT):
        return "its batch or number of threads is impossible"
    if not _within((record.wall_seconds, *record.phases.values()), 0, _MOST):
        return "its seconds are impossible"
    if not 1 <= (record.companions or 1) <= _COUNT:
        return "the number of processes that took turns is impossible"
    return measurement_objection(measured) if measured else ""


def measurement_objection(measured: Measurement) -> str:
    """Why a measurement cannot be true; "" if it can."""
    return next(_impossible(measured), "")


def _impossible(measured: Measurement) -> Iterator[str]:
    """What in a measurement cannot have been measured."""
    windows, evaluations = measured.windows, measured.evaluations
    if not windows or not evaluations:
        yield "it has no windows or no evaluation"
    walls = (*windows.wall, *(evaluation.wall for evaluation in evaluations))
    if not _within(walls, _LEAST, _MOST):
        yield "a window or an evaluation took no time, or too long"
    if not _within((*windows.cpu, *_known(windows.others), *_known(windows.stolen)), -_MOST, _MOST):
        yield "the processor time of a window is impossible"
    counts = (value for entry in evaluations for value in (entry.examples, entry.step))
    if not _within((*windows.steps, *counts), 1, _COUNT):
        yield "a window or an evaluation has no steps or examples, or too many"
    if not _within(_known((*windows.read, *windows.first_read)), 0, _MOST):
        yield "the seconds for reading losses are impossible"
    figures = (value for entry in evaluations for value in (entry.metric, entry.loss))
    if not _within((*windows.loss, *figures, *measured.first_losses), -_HUGE, _HUGE):
        yield "a loss or a metric is too large"
    numbers = (*windows.epoch, *_known(windows.turn), *windows.involuntary, measured.warmup_steps)
    if not _within(numbers, 0, _COUNT):
        yield "an epoch, a turn, a count of switches or of steps is impossible"
    seconds = (
        *(measured.import_seconds, measured.build_seconds, measured.first_step_seconds),
        *(measured.warmup_seconds, measured.feed_seconds or 0.0),
        *measured.other_seconds.values(),
    )
    if not _within(seconds, 0, _MOST):
        yield "the seconds outside its windows are impossible"
    if not (
        0 <= (measured.joules or 0.0) <= _HUGE and 0 <= (measured.device_joules or 0.0) <= _HUGE
    ):
        yield "its energy is impossible"
    sizes = (measured.peak_resident_bytes, measured.parameter_count, measured.cores or 1)
    if not _within(sizes, 1, _COUNT) or not 0 <= (measured.peak_device_bytes or 0) <= _COUNT:
        yield "its memory, cores or number of parameters is impossible"
    texts = ((each.given, each.written, each.expected or "") for each in measured.sample)
    characters = sum(len(text) for passage in texts for text in passage)
    if len(measured.sample) > _PASSAGES or characters > _CHARACTERS:
        yield "its sample is too long"
    names = [picture.file for picture in measured.pictures]
    if len(names) > _PICTURES or any(not name or name != Path(name).name for name in names):
        yield "it has too many pictures, or some elsewhere than in the run's folder"


def _within(values: Collection[float], least: float, most: float) -> bool:
    """Whether all values are in a range. None is NaN, which is not read from JSON."""
    # Not by a loop: a run of 10,000 blocks has many millions of values. Sorting takes less time
    # than looking for the least and then for the most.
    ordered = sorted(values)
    return not ordered or (least <= ordered[0] and ordered[-1] <= most)


def _known(values: Iterable[float | None]) -> tuple[float, ...]:
    """The values that are known and not 0, which is in every range that they are held against."""
    return tuple(filter(None, values))
