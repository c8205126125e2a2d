"""The blocks of a task, of which a run consists: what shards share out, and nodes of a cluster.

Cells are compared within a block of a task, so one machine measures all of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.core.shard import Shard


@dataclass(frozen=True, kw_only=True)
class TaskBlock:
    """One repeat of every cell of a task."""

    task: str
    block: int


def turns_of_block(cells: Sequence[Cell], *, seed: int) -> list[list[Cell]]:
    """The cells of a block in its own order: those that take turns, of a task and a device."""
    shuffler = random.Random(seed)
    order = list(cells)
    shuffler.shuffle(order)
    together = grouped(order, lambda cell: (cell.task, cell.device))
    keys = list(together)
    shuffler.shuffle(keys)
    return [together[key] for key in keys]


def own_tasks(
    cells: Sequence[Cell], *, seed: int, block: int, shard: Shard | None
) -> tuple[str, ...]:
    """The tasks of a block that a shard measures, in their order; without a shard, all of them.

    `cells` are those of the whole run and `seed` is its own, so that all shards agree.
    """
    turns = turns_of_block(cells, seed=seed + block)
    tasks = tuple(dict.fromkeys(group[0].task for group in turns))
    first = block * len(tasks)
    return tuple(
        task
        for position, task in enumerate(tasks, start=first)
        if shard is None or shard.has(position)
    )


def planned(
    cells: Sequence[Cell], *, seed: int, blocks: int, shard: Shard | None
) -> list[TaskBlock]:
    """What a shard measures of so many blocks, in order; without a shard, all of them."""
    return [
        TaskBlock(task=task, block=block)
        for block in range(blocks)
        for task in own_tasks(cells, seed=seed, block=block, shard=shard)
    ]
