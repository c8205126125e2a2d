"""The summary of one cell over its repeats, and which cells can be compared."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from bench.analysis.contention import MOST_CONTENDED
from bench.analysis.intervals import Interval
from bench.analysis.roofline import Use
from bench.core.grouping import grouped
from bench.core.record import Cell, Status

# Cells that agree in these can be compared: they differ in framework, mode and tuning.
CONDITIONS = ("task", "device", "precision", "threads", "feed", "workload", "batch")
conditions = attrgetter(*CONDITIONS)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The median, the lowest and the highest of the repeats."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        """The spread of at least one value."""
        ordered = sorted(values)
        return Spread(median=statistics.median(ordered), low=ordered[0], high=ordered[-1])


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One cell over its repeats. Its status is the first that is not ok, or else ok.

    =====================  ========================================================================
    field                  meaning
    =====================  ========================================================================
    reason                 why the status is not ok
    repeats                number of processes, with or without a result
    data                   kind of data that it was trained on: "real", "synthetic"
    throughputs            training samples a second, by block
    disturbed              blocks in which other processes disturbed this cell
    throughput             the geometric mean of `throughputs`
    relative               ratio of its throughput to that of the fastest comparable cell
    rank                   its rank among comparable cells: see `MultipleComparison.ranks`
    among_fastest          whether it is the fastest comparable cell or tied with that one
    tied_with              comparable cells that are tied with it
    slower_than            comparable cells that are surely faster
    metric                 the task's, on the test set after the last epoch
    metric_change          the metric minus that in float32
    first_step             seconds of the first training step
    fallen_first_step      the same in the first block, and the median of later ones, if it fell
                           by more than half
    import_seconds         of importing the framework
    build_seconds          of building the network and its optimizer
    warmup_seconds         until timing began
    unsteady               processes whose pace had not settled by the end of the warm-up
    feed_share             share of a training step spent on turning its batch into tensors
    epoch_samples          training samples in an epoch
    break_even             epochs after which compiling has paid off (infinite: never)
    tuned, on_gpu, reduced ratio of its throughput to that with the default tuning, on the CPU, and
                           in float32
    contended              share of its windows that other processes disturbed
    joules, device_joules  energy for each training sample: of the processor packages, of the GPU
    evaluation             test samples a second
    peak_resident_bytes    peak memory of a process
    peak_device_bytes      peak device memory, as the framework reports it
    driver_bytes           peak device memory, as the GPU's driver reports it
    gpu_others             other processes that used the GPU
    training_seconds       of all windows together
    time_to_target         training seconds until the task's target; None if any repeat missed it
    parameters             trained values, as the framework counts them
    flops_per_example      model FLOPs of training on one example
    use                    how much of the machine's peak it uses
    =====================  ========================================================================

    Unless stated otherwise, figures are medians over repeats. None is an unknown figure. A cell
    that is not ok has no `relative`, `rank` or `use`. Ranks and ties hold at 95 % for all
    comparable cells together. `relative` has an interval of its own, which may exclude 1 although
    the cell is tied with the fastest.
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
    among_fastest: bool | None = None
    tied_with: frozenset[Cell] = frozenset()
    slower_than: frozenset[Cell] = frozenset()
    metric: Spread | None = None
    metric_name: str = ""
    metric_change: float | None = None
    first_step: float | None = None
    fallen_first_step: tuple[float, float] | None = None
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
    time_to_target: float | None = None
    parameters: int | None = None
    flops_per_example: int | None = None
    use: Use | None = None

    @property
    def ok(self) -> bool:
        """Whether every repeat was measured and trained the task as defined."""
        return self.status == "ok"

    @property
    def samples_per_second(self) -> float | None:
        """The estimate of its throughput."""
        return self.throughput.estimate if self.throughput else None

    @property
    def mostly_contended(self) -> bool:
        """Whether other processes disturbed too many windows for its figures to be trusted."""
        return (self.contended or 0) > MOST_CONTENDED

    @property
    def memory_bytes(self) -> float | None:
        """Peak memory of the GPU for a cell on a GPU, else of the process."""
        return self.peak_device_bytes if self.cell.device == "cuda" else self.peak_resident_bytes


def by_conditions(
    summaries: Iterable[CellSummary],
) -> dict[tuple[object, ...], list[CellSummary]]:
    """The summaries that can be compared with each other, by the conditions that they share."""
    return grouped(summaries, lambda summary: conditions(summary.cell))
