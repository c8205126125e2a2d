"""Whether cells trained alike: those of a task share weights and batches, and so their losses.

Each process is held against the middle of its block: the weighted median of its cells, in which
every framework has the same weight, however many modes it was run in. Of two frameworks that
differ, nothing says which is right, so that both are found.

The limits were set by the published runs (`results/`), in which 1,263 honest processes differ from
the middle of their block by no more than the figures below. In a block of each of four runs, some
parted from the others within five steps of `cifar-cnn`: rounding decides on which side of a
rectifier's edge a value lies, and which of two nearly equal ones is the largest of its square. In
another, all five parted from each other on `imdb-lstm`, where some left a plateau of the loss
earlier than others: the means of the only epoch lie 0.16 of the first losses apart, where those of
the other four seeds differ by 4e-4. An adapter's fault shows in every block. So the limit that is
tight counts in most blocks alone, and that of the epochs, too, where the other frameworks scatter.

==============================  ===========  =====================================================
losses                          largest      of
==============================  ===========  =====================================================
first five, float32, most       2.2e-5       `digits-ctc`
first five, float32, a block    2.8e-4       `cifar-cnn`
steps 6 to 32, float32          1.1e-2       `cifar-cnn`
first five, batch normalization 2.3e-3       `cifar-resnet20` (0.22 in steps 6 to 32: not judged)
means of epochs, most           7.3e-2       `mnist-gan`, 20 epochs of the full recipe
means of epochs, a block        0.11         `imdb-lstm`, an epoch of 9,600 examples
==============================  ===========  =====================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from bench.analysis.block_losses import BlockLosses, epoch_means
from bench.analysis.findings import WorkFinding
from bench.core.grouping import grouped
from bench.core.record import Cell, Record
from bench.core.task import LOSS_TOLERANCE
from bench.proof.one_check import told_apart
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


# Above all that was measured by a factor of three or more. No run in float64 or in a reduced
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

# The share of the limit for means of epochs by which other frameworks may differ among themselves
# where one block is enough to find a cell in.
MOST_SCATTER = 0.5

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
    found: list[_Found] = []
    blocks = enumerate(grouped(measured, _shared).values())
    for cells, alike in grouped(blocks, _cells).items():
        if (task := tasks(cells[0].task)) and len(cells) > 1:
            compared.update(dict.fromkeys(cells, len(alike)))
            found += _of_blocks(cells, alike, task)
    # In the order of the blocks and of the checks: the first finding about a cell is told.
    found.sort(key=attrgetter("place", "check"))
    yield from (each.finding for each in found if each.is_enough)
    off = Counter((each.finding.cell, each.check) for each in found)
    for each in found:
        cell = each.finding.cell
        if not each.is_enough and off[cell, each.check] > max(1, compared[cell] / 2):
            yield each.finding


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A finding with the places of its block and of its check.

    Unless it `is_enough`, it counts only if most blocks of the cell, and two at least, show it.
    """

    place: int
    check: int
    finding: WorkFinding
    is_enough: bool


def _shared(record: Record) -> tuple[object, ...]:
    """What processes must share for their losses to be the same."""
    job, cell, measured = record.job, record.job.cell, record.measurement
    assert measured
    data = str(record.dataset.get("digest"))
    return (
        *(job.block, job.seed, job.budget, cell.task, cell.precision, cell.workload, record.batch),
        *(measured.weights_digest, data),
    )


_Block = tuple[int, list[Record]]
"""The records of a block that share what their losses depend on, and its place among all."""


def _cells(block: _Block) -> tuple[Cell, ...]:
    return tuple(record.job.cell for record in block[1])


def _of_blocks(
    cells: Sequence[Cell], blocks: Sequence[_Block], task: TaskSnapshot
) -> Iterator[_Found]:
    """What blocks of the same cells show."""
    frameworks = [cell.framework for cell in cells]
    measured = [[r.measurement for r in block if r.measurement] for _, block in blocks]
    first = [[each.first_losses for each in block] for block in measured]
    epochs = [[epoch_means(each) for each in block] for block in measured]
    of_steps = [*BlockLosses.tables(frameworks, first, scale_of=FIRST)]
    of_epochs = [*BlockLosses.tables(frameworks, epochs, scale_of=1)]
    of_two = "; of two frameworks, nothing says which is right" * (len(set(frameworks)) == 2)
    for number, (check, limit, columns) in enumerate(_checks(task, cells[0].precision)):
        whole = check == "epochs"
        for losses in of_epochs if whole else of_steps:
            for off in losses.beyond(limit, columns):
                place, block = blocks[off.block]
                share, allowed = told_apart(off.share, limit)
                reason = (
                    f"does not train like the other cells: the "
                    f"{'mean loss of epoch' if whole else 'loss of step'} {off.column + 1} is "
                    f"{off.loss:.6g}, where the median of all is {off.middle:.6g} "
                    f"({share} of the first losses off, {allowed} allowed){of_two}"
                )
                yield _Found(
                    place=place,
                    check=number,
                    finding=WorkFinding(
                        cell=cells[off.cell],
                        block=block[0].job.block,
                        check=check,
                        reason=reason,
                    ),
                    is_enough=off.others <= MOST_SCATTER * limit if whole else check != "early",
                )


def _checks(task: TaskSnapshot, precision: str) -> Iterator[tuple[str, float, slice]]:
    """The checks of a task: the name, the limit, and the columns of losses that it holds for."""
    if allowed := limits(task, precision):
        yield "alone", allowed.alone, slice(0, EARLY_STEPS)
        yield "early", allowed.early, slice(0, EARLY_STEPS)
        if allowed.later is not None:
            yield "later", allowed.later, slice(EARLY_STEPS, None)
    reduced = precision not in ("float32", "float64")
    limit = max(task.loss_tolerance, LOSS_TOLERANCE) if reduced else task.loss_tolerance
    yield "epochs", limit, slice(0, None)
