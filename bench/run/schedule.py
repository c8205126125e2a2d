"""Which job runs when: in blocks of one repeat of every cell, each block in an order of its own.

Cells are compared within a block, so a machine that slows down over a run slows all of them alike.
Those of a task and a device take turns (see `bench.run.turns`), so that little can change between
them. Blocks are added as `bench.analysis.stopping` decides.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from pathlib import Path

from bench.core.record import Cell, Job
from bench.run import given_weights
from bench.run.plan import Plan
from bench.run.task_blocks import TaskBlock, own_tasks, planned, turns_of_block


def block(plan: Plan, data: Mapping[str, Path], number: int) -> list[list[Job]]:
    """The jobs of a plan's block, those that take turns together; `data` holds folders by task.

    All cells of a block share a seed, so that they start from the same weights and see the same
    batches; each block has another. A shard lays out the same blocks and takes its tasks of each.
    """
    seed, shard = plan.request.seed, plan.request.shard
    own = own_tasks(plan.whole, seed=seed, block=number, shard=shard)
    return [
        [_job(plan, cell, data, number) for cell in group]
        for group in turns_of_block(plan.whole, seed=seed + number)
        if group[0].task in own
    ]


def _job(plan: Plan, cell: Cell, data: Mapping[str, Path], number: int) -> Job:
    request, weights = plan.request, plan.request.weights
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
        weights=weights,
        weights_file=str(given_weights.kept_file(weights, cell.task)) if weights else "",
    )


def ends(
    plan: Plan, *, settled: Collection[tuple[Cell, int]], proved: Collection[Cell]
) -> set[tuple[Cell, int]]:
    """The jobs, by cell and block, whose end is to be proved: one of each cell.

    It is drawn by the run's seed among the planned blocks, alike by all shards, each of which then
    keeps those of its own blocks. A run that goes on draws among its jobs that are not `settled`,
    for the cells that are not `proved` yet.
    """
    chooser, blocks = random.Random(plan.request.seed), range(plan.stopping.repeats)
    first = {cell: chooser.choice(blocks) for cell in plan.whole}
    own = own_parts(plan)
    drawn = set()
    for cell, block in first.items():
        if TaskBlock(task=cell.task, block=block) not in own or cell in proved:
            continue
        left = [
            number
            for number in blocks
            if TaskBlock(task=cell.task, block=number) in own and (cell, number) not in settled
        ]
        if left:
            drawn.add((cell, block if block in left else chooser.choice(left)))
    return drawn


def elsewhere(plan: Plan) -> frozenset[tuple[Cell, int]]:
    """The jobs of the planned blocks, by cell and block, that other shards measure."""
    own = own_parts(plan)
    return frozenset(
        (cell, block)
        for cell in plan.cells
        for block in range(plan.stopping.repeats)
        if TaskBlock(task=cell.task, block=block) not in own
    )


def own_parts(plan: Plan) -> set[TaskBlock]:
    """The blocks of tasks that are planned here."""
    request = plan.request
    return set(
        planned(plan.whole, seed=request.seed, blocks=plan.stopping.repeats, shard=request.shard)
    )
