"""Whether cells trained alike: those of a task share weights and batches, and so their losses.

Each process is held against the middle of its block: the weighted median of its cells, in which
every framework has the same weight, however many modes it was run in. Of two frameworks that
differ, nothing says which is right, so that both are found.

The limits were set by the published runs (`results/`), in which 499 honest processes differ from
the middle of their block by no more than the figures below. In one block, two frameworks of five
parted from the others at the fourth step of `cifar-cnn`: rounding decides on which side of a
rectifier's edge a value lies, and which of two nearly equal ones is the largest of its square. An
adapter's fault shows in every block. So the limit that is tight counts in most blocks alone.

==============================  ===========  =====================================================
losses                          largest      of
==============================  ===========  =====================================================
first five, float32, most       8.3e-6       `cifar-cnn`
first five, float32, a block    2.7e-4       `cifar-cnn`
steps 6 to 32, float32          5.8e-3       `cifar-cnn`
first five, batch normalization 1.3e-3       `cifar-resnet20` (0.24 in steps 6 to 32: not judged)
means of epochs                 3.7e-2       `imdb-lstm`, 5 epochs of the full recipe
==============================  ===========  =====================================================
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.findings import WorkFinding
from bench.core.grouping import grouped
from bench.core.measurement import Measurement
from bench.core.record import Cell, Record
from bench.core.task import LOSS_TOLERANCE
from bench.proof.checks import told_apart
from bench.proof.tolerances import EARLY_STEPS
from bench.records.snapshot import TaskSnapshot


@dataclass(frozen=True, kw_only=True)
class LossLimits:
    """How far a loss may be from the middle of its block, relative to the mean of the first losses.

    `early` holds for the first `EARLY_STEPS` losses in most of a cell's blocks and in two at least,
    `alone` for them in every block, and `later` for the other losses that a record has; None where
    rounding grows so fast that they tell nothing.
    """

    early: float
    alone: float
    later: float | None


# Above all that was measured by a factor of five or more. No run in float64 or in a reduced
# precision is published; their limits follow the proof's tolerances for the same steps, and its
# remarks (`bench.proof.tolerances`).
LOSS_LIMITS: Mapping[str, LossLimits] = {
    "float64": LossLimits(early=1e-8, alone=1e-5, later=1e-5),
    "float32": LossLimits(early=1e-4, alone=5e-3, later=3e-2),
    "tf32": LossLimits(early=3e-2, alone=3e-2, later=0.3),
    "bf16": LossLimits(early=3e-2, alone=3e-2, later=0.3),
    "fp16": LossLimits(early=3e-2, alone=3e-2, later=0.3),
}
# The losses over whose mean the scale of the first losses is taken: all that a record has.
FIRST = 32
# Batch normalization amplifies rounding by a factor of a thousand within a few steps.
BATCH_NORM_EARLY = 1e-2

# Of tasks that are proved on less than their own size.
ROUGH_EARLY = 0.3

Tasks = Callable[[str], TaskSnapshot | None]


def limits(task: TaskSnapshot, precision: str) -> LossLimits | None:
    """The limits for the first losses of a task; None if frameworks draw what they depend on."""
    if task.is_random:
        return None
    usual = LOSS_LIMITS[precision]
    if task.has("proof"):  # on less than its own size, where steps multiply rounding
        return replace(usual, early=ROUGH_EARLY, alone=ROUGH_EARLY, later=None)
    if task.has("batch normalization"):
        early = max(usual.early, BATCH_NORM_EARLY)
        return replace(usual, early=early, alone=max(usual.alone, early), later=None)
    return usual


def findings(records: Iterable[Record], tasks: Tasks) -> Iterator[WorkFinding]:
    """What losses show about processes, of tasks that `tasks` knows by name."""
    measured = (record for record in records if record.measurement)
    compared: Counter[Cell] = Counter()
    early: list[WorkFinding] = []
    for block in grouped(measured, _shared).values():
        task = tasks(block[0].job.cell.task)
        if task and len(block) > 1:
            compared.update(record.job.cell for record in block)
            for finding in _of_block(block, task):
                if finding.check == "early":
                    early.append(finding)
                else:
                    yield finding
    blocks = Counter(finding.cell for finding in early)
    for finding in early:
        if blocks[finding.cell] > max(1, compared[finding.cell] / 2):
            yield finding


def _shared(record: Record) -> tuple[object, ...]:
    """What processes must share for their losses to be the same."""
    job, cell, measured = record.job, record.job.cell, record.measurement
    assert measured
    data = str(record.dataset.get("digest"))
    return (
        *(job.block, job.seed, job.budget, cell.task, cell.precision, cell.workload, record.batch),
        *(measured.weights_digest, data),
    )


@dataclass(frozen=True, kw_only=True)
class _Losses:
    """Losses that a block's cells should share, in columns, as far as all of them have them.

    `scale` is what deviations are relative to; `name` names a column by its position.
    """

    by_cell: Mapping[Cell, Sequence[float]]
    middle: Sequence[float]
    scale: float
    name: str

    @staticmethod
    def of(by_cell: Mapping[Cell, Sequence[float]], *, name: str, scale_of: int) -> _Losses:
        """The scale is the mean of the middle over the first `scale_of` columns."""
        centre = middles(by_cell)
        scale = statistics.fmean(map(abs, centre[:scale_of])) if centre else 0.0
        return _Losses(by_cell=by_cell, middle=centre, scale=scale, name=name)

    def beyond(self, limit: float, columns: slice) -> Iterator[tuple[Cell, str]]:
        """The cells that are off by more than `limit` in any of these columns, with the worst."""
        positions = range(len(self.middle))[columns]
        centre = self.middle[columns]
        for cell, row in self.by_cell.items():
            off = [abs(loss - usual) for loss, usual in zip(row[columns], centre, strict=False)]
            most = max(off, default=0.0)
            if most <= limit * self.scale:
                continue
            worst = positions[off.index(most)]
            two = len({cell.framework for cell in self.by_cell}) == 2
            share, allowed = told_apart(most / self.scale if self.scale else math.inf, limit)
            yield (
                cell,
                f"does not train like the other cells: the {self.name} {worst + 1} is "
                f"{row[worst]:.6g}, where the median of all is {self.middle[worst]:.6g} "
                f"({share} of the first losses off, {allowed} allowed)"
                + "; of two frameworks, nothing says which is right"
                * two,
            )


def _of_block(block: Sequence[Record], task: TaskSnapshot) -> Iterator[WorkFinding]:
    measured = {r.job.cell: r.measurement for r in block if r.measurement}
    first = _Losses.of(
        {cell: measurement.first_losses for cell, measurement in measured.items()},
        name="loss of step",
        scale_of=FIRST,
    )
    epochs = _Losses.of(
        {cell: epoch_means(measurement) for cell, measurement in measured.items()},
        name="mean loss of epoch",
        scale_of=1,
    )
    precision = block[0].job.cell.precision
    allowed = limits(task, precision)
    off: list[tuple[str, Cell, str]] = []
    if allowed:
        off += (("alone", *found) for found in first.beyond(allowed.alone, slice(EARLY_STEPS)))
        off += (("early", *found) for found in first.beyond(allowed.early, slice(EARLY_STEPS)))
    if allowed and allowed.later is not None:
        off += (
            ("later", *found) for found in first.beyond(allowed.later, slice(EARLY_STEPS, None))
        )
    epoch_limit = task.loss_tolerance
    if precision not in ("float32", "float64"):
        epoch_limit = max(epoch_limit, LOSS_TOLERANCE)
    off += (("epochs", *found) for found in epochs.beyond(epoch_limit, slice(None)))
    for check, cell, reason in off:
        yield WorkFinding(cell=cell, block=block[0].job.block, check=check, reason=reason)


def epoch_means(measured: Measurement) -> list[float]:
    """The mean loss of each epoch of the budget."""
    windows = measured.budget_windows
    sums: dict[int, float] = {}
    steps: dict[int, int] = {}
    for epoch, count, loss in zip(windows.epoch, windows.steps, windows.loss, strict=True):
        sums[epoch] = sums.get(epoch, 0.0) + count * loss
        steps[epoch] = steps.get(epoch, 0) + count
    return [sums[epoch] / steps[epoch] for epoch in sorted(sums)]


# Sums of shares such as a third are off by less than this part of them.
ROUNDING = 1e-9


def middles(rows: Mapping[Cell, Sequence[float]]) -> list[float]:
    """The median of the cells' values in each column that all rows have.

    Every framework has the same weight, however many cells it has.
    """
    shortest = min(map(len, rows.values()))
    if not shortest:
        return []
    frameworks = Counter(cell.framework for cell in rows)
    shares = np.array([1 / frameworks[cell.framework] for cell in rows])
    values = np.array([row[:shortest] for row in rows.values()], dtype=np.float64)
    order = values.argsort(axis=0)  # (cells, columns)
    values, passed = np.take_along_axis(values, order, axis=0), shares[order].cumsum(axis=0)
    half = len(frameworks) / 2
    exact = np.abs(passed - half) < ROUNDING * half
    reached = (exact | (passed > half)).argmax(axis=0)
    columns = np.arange(shortest)
    found = values[reached, columns]
    following = values[np.minimum(reached + 1, len(values) - 1), columns]
    at_half = exact[reached, columns]
    centre: list[float] = np.where(at_half, (found + following) / 2, found).tolist()
    return centre
