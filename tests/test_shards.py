"""Shards share out the blocks of a run, and together are the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.record import Cell, Job
from bench.core.setting import Setting
from bench.core.shard import Shard
from bench.run import schedule
from bench.run.plan import Plan
from bench.run.task_blocks import planned
from tests.conftest import TINY, Framebench
from tests.test_schedule import plan_of

TASKS = ("mnist-mlp", "mnist-softmax", "cifar-cnn")
CELLS = [
    Cell(framework=framework, task=task, mode="eager", setting=Setting())
    for framework in "abc"
    for task in TASKS
]
DATA = {task: Path("data") for task in TASKS}


def shard_of(plan: Plan, number: int, count: int) -> Plan:
    return replace(plan, request=replace(plan.request, shard=Shard(number=number, count=count)))


def jobs_of(plan: Plan) -> list[Job]:
    return [
        job
        for number in range(plan.stopping.repeats)
        for group in schedule.block(plan, DATA, number)
        for job in group
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_shards_have_every_job_of_the_run_once_with_its_seed(count: int) -> None:
    whole = plan_of(CELLS, seed=7)
    shards = [shard_of(whole, number, count) for number in range(1, count + 1)]
    shared = [job for shard in shards for job in jobs_of(shard)]
    assert sorted(map(str, shared)) == sorted(map(str, jobs_of(whole)))
    sizes = [len(jobs_of(shard)) for shard in shards]
    assert max(sizes) - min(sizes) <= 3  # the cells of a task


def test_a_shard_has_all_cells_of_a_block_of_a_task_or_none() -> None:
    for number in range(1, 5):
        blocks: dict[tuple[str, int], set[str]] = {}
        for job in jobs_of(shard_of(plan_of(CELLS), number, 4)):
            blocks.setdefault((job.cell.task, job.block), set()).add(job.cell.framework)
        assert blocks and all(frameworks == set("abc") for frameworks in blocks.values())


def test_shards_together_prove_the_ends_that_the_run_would_prove() -> None:
    whole = plan_of(CELLS, seed=3)
    ends = [
        schedule.ends(shard_of(whole, number, 4), settled=(), proved=()) for number in range(1, 5)
    ]
    assert sum(map(len, ends)) == len(CELLS)
    assert set.union(*ends) == schedule.ends(whole, settled=(), proved=())


def test_what_other_shards_measure_is_known() -> None:
    whole = plan_of(CELLS)
    everything = {(cell, block) for cell in CELLS for block in range(whole.stopping.repeats)}
    for number in range(1, 4):
        shard = shard_of(whole, number, 3)
        own = {(job.cell, job.block) for job in jobs_of(shard)}
        assert own == everything - schedule.elsewhere(shard)
    assert schedule.elsewhere(whole) == frozenset()


def test_every_eighth_block_is_planned() -> None:
    whole = planned(CELLS, seed=0, blocks=10, shard=None)
    assert len(whole) == 30 and len(set(whole)) == 30
    third = Shard(number=3, count=8)
    assert planned(CELLS, seed=0, blocks=10, shard=third) == whole[2::8]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shard", "0/3"), "--shard 0/3: the shards of 3 are 1/3 to 3/3"),
        (("--shard", "4/3"), "--shard 4/3: the shards of 3 are 1/3 to 3/3"),
        (("--shard", "3/0"), "--shard 3/0: there must be between 1 and 1,000,000 shards"),
        (("--shard", "a/b"), "--shard 'a/b' is not a shard: write 3/8 for the third of eight"),
        (("--shard", "1/2", "--until", "2%"), "--shard and --until exclude each other"),
        (("--shard", "1/2", "--spare", "1"), "--shard and --spare exclude each other"),
        (("--shard", "3/8", "-n", "2"), "the run has 2 blocks of a task in all"),
    ],
)
def test_a_shard_that_cannot_be_is_refused(
    arguments: tuple[str, ...], words: str, framebench: Framebench
) -> None:
    assert words in framebench("run", "-t", "mnist-mlp", *arguments, expect=2).stderr


@pytest.mark.frameworks
def test_a_shard_is_a_run_by_itself(framebench: Framebench, tmp_path: Path) -> None:
    arguments = (*TINY, "-t", "mnist-mlp", "-n", "3", "--shard", "2/4")
    done = framebench(*arguments)
    text = " ".join(done.stdout.split())
    has = "2 of the run's 6 blocks (3 of each task)"
    assert f"shard 2 of 4: {has}; `framebench merge`" in text and "[1/" in done.stderr
    assert "2 of 3 repeats" in text and f"stopped: {has}, as planned" in text
    assert "missing" not in done.stdout
    refused = framebench("run", "--add-blocks", "1", "r", expect=2).stderr
    assert "results/r is a shard" in refused
    assert "is finished" in framebench("run", "--resume", "r", expect=2).stderr
