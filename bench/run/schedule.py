"""Which job runs when: blocks of one repeat of every cell, each block in an order of its own.

A machine that slows down over a run slows all cells alike, and cells are compared within a block:
those of a task run one after the other, so that little can change between them. Blocks are added
while there is cause: see `bench.analysis.stopping`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.core.record import Cell, Job
from bench.core.task import Budget


def block(
    cells: Sequence[Cell],
    number: int,
    *,
    seed: int,
    budgets: Mapping[str, Budget],
    data: Mapping[str, Path],
    warmup: float,
    window: float,
) -> list[Job]:
    """The jobs of one block in order. `budgets` and `data` (prepared folders) are by task.

    All cells of a block share a seed, so that they start from the same weights and see the same
    batches; each block has another.
    """
    shuffler = random.Random(seed + number)
    order = list(cells)
    shuffler.shuffle(order)
    by_task = list({cell.task: None for cell in cells})
    shuffler.shuffle(by_task)
    order.sort(key=lambda cell: by_task.index(cell.task))
    return [
        Job(
            cell=cell,
            block=number,
            seed=seed + number,
            budget=budgets[cell.task],
            data=str(data[cell.task]),
            warmup=warmup,
            window=window,
        )
        for cell in order
    ]
