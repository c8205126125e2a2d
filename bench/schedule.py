"""Which job runs when: blocks of one repeat of every cell, each block in an order of its own.

A machine that slows down over a run slows all cells alike, and cells are compared within a block.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.core.record import Cell, Job
from bench.core.task import Budget


def plan(
    cells: Sequence[Cell],
    *,
    repeats: int,
    seed: int,
    budgets: Mapping[str, Budget],
    data: Mapping[str, Path],
    warmup: float,
    window: float,
) -> list[Job]:
    """Every job of a run in order. `budgets` and `data` (prepared folders) are by task.

    All cells of a block share a seed, so that they start from the same weights and see the same
    batches; each block has another.
    """
    jobs = []
    for block in range(repeats):
        order = list(cells)
        random.Random(seed + block).shuffle(order)
        jobs += [
            Job(
                cell=cell,
                block=block,
                seed=seed + block,
                budget=budgets[cell.task],
                data=str(data[cell.task]),
                warmup=warmup,
                window=window,
            )
            for cell in order
        ]
    return jobs
