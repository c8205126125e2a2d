"""Pure functions from records to estimates. Nothing here is stored: it is worked out when read."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from bench import tasks
from bench.analysis import accuracy, contention
from bench.analysis.intervals import Interval, geometric_mean, ranks, ratio
from bench.core.batches import data_label
from bench.core.record import Cell, Measurement, Record, Status

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


def throughput(record: Record, marks: Sequence[bool]) -> float:
    """Training samples a second in steady state: the median over a process's clean windows.

    `marks` tells which were contended: `noise.contended`.
    """
    paces = contention.clean_paces(record, marks)
    return statistics.median([steps * record.batch / wall for steps, wall in paces])


def feed_share(
    cell: Cell,
    measured: Sequence[tuple[Record, Measurement]],
    throughputs: Mapping[int, float],
) -> float | None:
    """The part of a training step that staging its batch takes; None where it was done ahead."""
    if cell.feed == "device" or any(one.feed_seconds is None for _, one in measured):
        return None
    return statistics.median(
        (one.feed_seconds or 0.0) * throughputs[record.job.block] / record.batch
        for record, one in measured
    )


def joules_a_sample(
    measured: Sequence[tuple[Record, Measurement]], read: Callable[[Measurement], float | None]
) -> float | None:
    """Energy over samples in all windows; None where the machine does not tell."""
    energies = [joules for _, one in measured if (joules := read(one)) is not None]
    if len(energies) < len(measured):
        return None
    samples = (record.batch * sum(one.windows.steps) for record, one in measured)
    return sum(energies) / sum(samples)


def break_even(compiled: CellSummary, eager: CellSummary) -> float | None:
    """Epochs after which the time that compiling took is won back; infinite if it never is.

    The time that it takes is what building and the first step take longer than in eager mode. None
    where the two paces are tied.
    """
    if not (compiled.throughput and eager.throughput and compiled.epoch_samples):
        return None
    gain = ratio(compiled.throughputs, eager.throughputs)
    if gain and gain.known and gain.includes(1):
        return None
    paid = sum(
        (getattr(compiled, name) or 0.0) - (getattr(eager, name) or 0.0)
        for name in ("build_seconds", "first_step")
    )
    samples, slow, fast = compiled.epoch_samples, eager.throughput, compiled.throughput
    won = samples / slow.estimate - samples / fast.estimate
    return max(0.0, paid / won) if won > 0 else math.inf


def evaluation_throughput(measurement: Measurement) -> float:
    """Test samples a second, over all evaluations of one process."""
    examples = sum(one.examples for one in measurement.evaluations)
    return examples / sum(one.wall for one in measurement.evaluations)


def seconds_at(measurement: Measurement, step: int) -> float:
    """Training seconds (windows alone) until so many steps were done."""
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


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One cell over its repeats: the first status that is not ok, figures of those that are.

    `throughputs` are by block, of which others disturbed those in `disturbed`; `throughput` is
    their geometric mean. `relative` is the ratio to the fastest cell under the same conditions, and
    `rank` the place among them, as in
    `estimate.ranks`; a cell that is not ok has neither. `unsteady` counts the processes whose pace
    had not settled when the warm-up's time was up. `feed_share` is the part of a step that turning
    arrays into tensors takes, `break_even` the epochs after which compiling has paid off against
    the framework's eager mode (infinite: never), `tuned` the ratio of its throughput to that with
    the default tuning, `contended` the share of windows that others
    disturbed, `joules` the energy for one training sample, `device_joules` the GPU's. `on_gpu` is
    the ratio of its throughput to that of the same on the CPU, `reduced` to that in float32,
    and `accuracy_change` what the accuracy gained by it (less than 0: lost). `driver_bytes` is the
    device memory that the GPU's driver saw in use, `gpu_others` whoever else used that GPU.
    """

    cell: Cell
    status: Status
    reason: str
    repeats: int
    data: str
    throughputs: dict[int, float] = field(default_factory=dict)
    disturbed: frozenset[int] = frozenset()
    throughput: Interval | None = None
    relative: Interval | None = None
    rank: str = ""
    accuracy: Spread | None = None
    first_step: float | None = None
    import_seconds: float | None = None
    build_seconds: float | None = None
    warmup_seconds: float | None = None
    unsteady: int = 0
    feed_share: float | None = None
    epoch_samples: float | None = None
    break_even: float | None = None
    tuned: Interval | None = None
    on_gpu: Interval | None = None
    reduced: Interval | None = None
    accuracy_change: float | None = None
    driver_bytes: int | None = None
    gpu_others: tuple[str, ...] = ()
    contended: float | None = None
    joules: float | None = None
    device_joules: float | None = None
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
    return [_against_its_own(one, summaries) for one in summaries.values()]


def _against_its_own(one: CellSummary, others: Mapping[Cell, CellSummary]) -> CellSummary:
    """With what compiling, tuning, a GPU and a precision brought, where the plain cells are too."""
    eager = others.get(replace(one.cell, mode="eager"))
    if one.cell.mode != "eager" and eager and one.status == eager.status == "ok":
        one = replace(one, break_even=break_even(one, eager))
    if one.cell.tuning == "expert" and (plain := _plain(one, others, tuning="default")):
        one = replace(one, tuned=ratio(one.throughputs, plain.throughputs))
    if plain := _plain(one, others, device="cpu"):
        one = replace(one, on_gpu=ratio(one.throughputs, plain.throughputs))
    if one.cell.precision != "float64" and (plain := _plain(one, others, precision="float32")):
        assert one.accuracy and plain.accuracy
        one = replace(
            one,
            reduced=ratio(one.throughputs, plain.throughputs),
            accuracy_change=one.accuracy.median - plain.accuracy.median,
        )
    return one


def _plain(
    one: CellSummary, others: Mapping[Cell, CellSummary], **condition: Any
) -> CellSummary | None:
    """The cell that differs from this one in a condition alone, where both are ok."""
    other = others.get(one.cell.with_setting(**condition))
    found = other and other.cell != one.cell and one.status == other.status == "ok"
    return other if found else None


def _compared(group: Sequence[CellSummary]) -> list[CellSummary]:
    """Cells under the same conditions, all of them ok, with their ranks and ratios."""
    group = _in_quiet_blocks(group)
    ratios = [[ratio(one.throughputs, other.throughputs) for other in group] for one in group]

    def pace(place: int) -> tuple[int, float]:
        """How many it outpaces, pair by pair: some may lack a block."""
        found = group[place].throughput
        ahead = sum(one is not None and one.estimate >= 1 for one in ratios[place])
        return ahead, found.estimate if found else 0.0

    fastest = max(range(len(group)), key=pace)
    alone = len(group) == 1  # not the first of anything
    return [
        replace(one, relative=row[fastest], rank="" if alone else rank)
        for one, row, rank in zip(group, ratios, ranks(ratios), strict=True)
    ]


def _in_quiet_blocks(group: Sequence[CellSummary]) -> Sequence[CellSummary]:
    """The cells by the blocks in which none of them was disturbed, or by all if those are few.

    The same blocks for all: a cell in peace beside a disturbed one is no comparison.
    """
    disturbed = frozenset[int]().union(*(one.disturbed for one in group))
    quiet = [
        {at: found for at, found in one.throughputs.items() if at not in disturbed} for one in group
    ]
    if not disturbed or min(map(len, quiet)) < 2:
        return group
    return [
        replace(one, throughputs=found, throughput=geometric_mean(found.values()))
        for one, found in zip(group, quiet, strict=True)
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
    throughputs, contended = {}, {}
    for record, _ in good:
        marks = contention.contended(record)
        throughputs[record.job.block] = throughput(record, marks)
        contended[record.job.block] = contention.share(marks)
    target = tasks.load(cell.task).target_accuracy
    reached = [time_to_accuracy(one, target) or 0.0 for one in measured]
    gpus = [record.gpu for record, _ in good if record.gpu]
    seen = [one.peak_bytes for one in gpus if one.peak_bytes is not None]
    device = [one.peak_device_bytes for one in measured if one.peak_device_bytes is not None]
    return CellSummary(
        **{
            **vars(summary),
            "throughputs": throughputs,
            "disturbed": frozenset(
                at for at, share in contended.items() if share > contention.MOST_CONTENDED
            ),
            "throughput": geometric_mean(throughputs.values()),
            "accuracy": Spread.of(one.evaluations[-1].accuracy for one in measured),
            "first_step": statistics.median(one.first_step_seconds for one in measured),
            "import_seconds": statistics.median(one.import_seconds for one in measured),
            "build_seconds": statistics.median(one.build_seconds for one in measured),
            "warmup_seconds": statistics.median(one.warmup_seconds for one in measured),
            "unsteady": sum(not one.steady for one in measured),
            "feed_share": feed_share(cell, good, throughputs),
            "epoch_samples": statistics.median(
                record.batch * sum(one.windows.steps) / record.job.budget.epochs
                for record, one in good
            ),
            "contended": statistics.fmean(contended.values())
            if contention.told(measured)
            else None,
            "joules": joules_a_sample(good, attrgetter("joules")),
            "device_joules": joules_a_sample(good, attrgetter("device_joules")),
            "evaluation": statistics.median(evaluation_throughput(one) for one in measured),
            "peak_resident_bytes": max(one.peak_resident_bytes for one in measured),
            "peak_device_bytes": max(device) if device else None,
            "driver_bytes": max(seen) if seen else None,
            "gpu_others": tuple(dict.fromkeys(who for one in gpus for who in one.others)),
            "training_seconds": statistics.median(sum(one.windows.wall) for one in measured),
            "time_to_accuracy": statistics.median(reached) if all(reached) else None,
            "parameters": measured[0].parameter_count,
        }
    )
