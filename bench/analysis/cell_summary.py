"""What is said of one cell over its repeats, and which cells can be compared."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from bench.analysis.intervals import Interval
from bench.analysis.roofline import Use
from bench.core.record import Cell, Status

# Cells that agree in these can be compared: they differ in framework, mode and tuning alone.
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
        """The spread of one value or more."""
        ordered = sorted(values)
        return Spread(median=statistics.median(ordered), low=ordered[0], high=ordered[-1])


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One cell over its repeats: the first status that is not ok, and figures of those that are.

    =====================  ========================================================================
    field                  what it is
    =====================  ========================================================================
    reason                 why the status is not ok
    repeats                processes, whatever came of them
    data                   what it was trained on: "real", "synthetic"
    throughputs            training samples a second, by block
    disturbed              blocks in which others disturbed this cell
    throughput             the geometric mean of `throughputs`
    relative               throughput over that of the fastest cell under the same conditions
    rank                   its place among those cells, as `intervals.ranks` gives it
    accuracy               on the test set after the last epoch, 0 to 1
    accuracy_change        accuracy minus that in float32; below 0: lost
    first_step             seconds of the first training step
    import_seconds         of importing the framework
    build_seconds          of making the network and its optimizer
    warmup_seconds         until timing began
    unsteady               processes whose pace had not settled by the end of the warm-up
    feed_share             the part of a training step that turning its batch into tensors takes
    epoch_samples          training samples of an epoch
    break_even             epochs after which compiling has paid off (infinite: never)
    tuned, on_gpu, reduced ratio of its throughput to that with the default tuning, on the CPU, and
                           in float32
    contended              the share of its windows that others disturbed
    joules, device_joules  energy for one training sample: of the processor packages, of the GPU
    evaluation             test samples a second
    peak_resident_bytes    the most memory that a process held
    peak_device_bytes      the most device memory, as the framework tells
    driver_bytes           the most device memory, as the GPU's driver tells
    gpu_others             other processes that used the GPU
    training_seconds       of all windows together
    time_to_accuracy       training seconds until the task's target; None if any repeat missed it
    parameters             trained values, as the framework counts them
    flops_per_example      model FLOPs of training on one example
    use                    what it makes of the machine's peak
    =====================  ========================================================================

    Figures are medians over repeats where nothing else is said; None is a figure that is not known.
    A cell that is not ok has no `relative`, `rank` or `use`.
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
    accuracy_change: float | None = None
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
    contended: float | None = None
    joules: float | None = None
    device_joules: float | None = None
    evaluation: float | None = None
    peak_resident_bytes: float | None = None
    peak_device_bytes: float | None = None
    driver_bytes: int | None = None
    gpu_others: tuple[str, ...] = ()
    training_seconds: float | None = None
    time_to_accuracy: float | None = None
    parameters: int | None = None
    flops_per_example: int | None = None
    use: Use | None = None

    @property
    def ok(self) -> bool:
        """Whether every repeat was measured and is the task."""
        return self.status == "ok"

    @property
    def samples_per_second(self) -> float | None:
        """The estimate of its throughput."""
        return self.throughput.estimate if self.throughput else None

    @property
    def memory_bytes(self) -> float | None:
        """The most memory of the kind that it computes in: the device's, or the process's."""
        return self.peak_device_bytes if self.cell.device == "cuda" else self.peak_resident_bytes
