"""Which job runs when: in blocks of one repeat of every cell, each block in an order of its own.

Cells are compared within a block, so a machine that slows down over a run slows all of them alike.
Those of a task and a device take turns (see `bench.run.turns`), so that little can change between
them. Blocks are added as `bench.analysis.stopping` decides.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from pathlib import Path

from bench.core.grouping import grouped
from bench.core.record import Cell, Job
from bench.run.plan import Plan


def block(plan: Plan, data: Mapping[str, Path], number: int) -> list[list[Job]]:
    """The jobs of a plan's block, those that take turns together; `data` holds folders by task.

    All cells of a block share a seed, so that they start from the same weights and see the same
    batches; each block has another.
    """
    seed = plan.request.seed + number
    shuffler = random.Random(seed)
    order = list(plan.cells)
    shuffler.shuffle(order)
    together = grouped(order, lambda cell: (cell.task, cell.device))
    tasks = list(together)
    shuffler.shuffle(tasks)
    return [[_job(plan, cell, data, number) for cell in together[task]] for task in tasks]


def _job(plan: Plan, cell: Cell, data: Mapping[str, Path], number: int) -> Job:
    request = plan.request
    return Job(
        cell=cell,
        block=number,
        seed=request.seed + number,
        budget=plan.budgets[cell.task],
        data=str(data[cell.task]),
        warmup=request.warmup,
        window=request.window,
        seconds=plan.seconds,
        # The later blocks would show the same with other seeds.
        sample=plan.samples and number == 0,
    )


def ends(
    plan: Plan, *, settled: Collection[tuple[Cell, int]], proved: Collection[Cell]
) -> set[tuple[Cell, int]]:
    """The jobs, by cell and block, whose end is to be proved: one of each cell.

    It is drawn by the run's seed among the planned blocks. A run that goes on draws among the jobs
    that are not `settled`, for the cells that are not `proved` yet.
    """
    chooser = random.Random(plan.request.seed)
    drawn = set()
    for cell in plan.cells:
        blocks = range(plan.stopping.repeats)
        left = [block for block in blocks if (cell, block) not in settled]
        if left and cell not in proved:
            drawn.add((cell, chooser.choice(left)))
    return drawn
