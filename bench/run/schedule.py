"""Which job runs when: in blocks of one repeat of every cell, each block in an order of its own.

Cells are compared within a block, so a machine that slows down over a run slows all of them alike.
Those of a task run one after another, so that little can change between them. Blocks are added as
`bench.analysis.stopping` decides.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from bench.core.record import Job
from bench.run.plan import Plan


def block(plan: Plan, data: Mapping[str, Path], number: int) -> list[Job]:
    """The jobs of a plan's block in order; `data` holds prepared folders by task.

    All cells of a block share a seed, so that they start from the same weights and see the same
    batches; each block has another.
    """
    seed = plan.request.seed + number
    shuffler = random.Random(seed)
    order = list(plan.cells)
    shuffler.shuffle(order)
    by_task = list({cell.task: None for cell in plan.cells})
    shuffler.shuffle(by_task)
    order.sort(key=lambda cell: by_task.index(cell.task))
    return [
        Job(
            cell=cell,
            block=number,
            seed=seed,
            budget=plan.budgets[cell.task],
            data=str(data[cell.task]),
            warmup=plan.request.warmup,
            window=plan.request.window,
        )
        for cell in order
    ]
