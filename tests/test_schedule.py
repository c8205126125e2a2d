"""The order of jobs in a block, and when a run has enough blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from bench.analysis import results
from bench.analysis.stopping import Stopping, widest
from bench.core.errors import UsageError
from bench.core.record import Cell, Record
from bench.core.setting import Device, Setting
from bench.core.task import Budget
from bench.run import schedule
from bench.run.plan import Plan
from bench.run.request import Request, duration, fraction
from tests.test_core import accuracy_of
from tests.test_noise import BUSY, QUIET, record


def records(paces: Mapping[str, tuple[float, ...]]) -> list[Record]:
    """A record for each framework and block, with a window of the given seconds."""
    return [
        of_framework(framework, record(QUIET._replace(wall=wall), block=block))
        for framework, walls in paces.items()
        for block, wall in enumerate(walls)
    ]


def of_framework(framework: str, record: Record) -> Record:
    return replace(
        record, job=replace(record.job, cell=replace(record.job.cell, framework=framework))
    )


PLANNED = Stopping(repeats=3, spare=1, until=None, seconds=100, metrics=accuracy_of)
UNTIL = replace(PLANNED, until=0.05)
NARROW = records({"a": (1.0, 1.1, 1.2), "b": (2.0, 2.2, 2.4)})  # always a ratio of 2
WIDE = records({"a": (1.0, 1.1, 1.2), "b": (2.0, 1.2, 2.4)})


def plan_of(cells: Sequence[Cell], *, seed: int = 0) -> Plan:
    return Plan(
        request=Request(seed=seed),
        whole=cells,
        cells=cells,
        refused={},
        budgets={cell.task: Budget(epochs=1) for cell in cells},
        stopping=PLANNED,
        name="name",
        folder=Path("folder"),
    )


def test_a_block_has_every_cell_once_in_its_own_order() -> None:
    cells = [
        Cell(framework=name, task="mnist-mlp", mode="eager", setting=Setting())
        for name in "abcdefgh"
    ]

    def order(number: int) -> list[str]:
        (jobs,) = schedule.block(plan_of(cells, seed=7), {"mnist-mlp": Path("data")}, number)
        assert {(job.block, job.seed) for job in jobs} == {(number, 7 + number)}
        return [job.cell.framework for job in jobs]

    assert sorted(order(0)) == sorted(order(1)) == list("abcdefgh")
    assert order(0) != order(1)
    assert order(0) == order(0)


def test_cells_of_a_task_and_a_device_take_turns() -> None:
    names = ("mnist-mlp", "mnist-softmax", "cifar-cnn")
    cells = [
        Cell(framework=framework, task=task, mode="eager", setting=Setting(device=device))
        for framework in "ab"
        for device in get_args(Device)
        for task in names
    ]
    orders = set()
    for number in range(20):
        groups = schedule.block(plan_of(cells), {name: Path("data") for name in names}, number)
        order = [{(job.cell.task, job.cell.device) for job in jobs} for jobs in groups]
        assert [len(jobs) for jobs in groups] == [2] * 6 and all(len(of) == 1 for of in order)
        orders.add(tuple(next(iter(of)) for of in order))
    assert len(orders) > 3  # groups are shuffled too


def test_planned_blocks_come_first() -> None:
    assert UNTIL.more(WIDE[:1], blocks=2, elapsed=10) == (True, "planned")
    assert PLANNED.more(WIDE[:1], blocks=2, elapsed=1000) == (True, "planned")
    assert PLANNED.more(WIDE, blocks=3, elapsed=1) == (False, "3 blocks, as planned")


def test_disturbed_blocks_are_replaced_up_to_a_limit() -> None:
    disturbed = [record(BUSY, block=block) for block in range(3)]
    assert PLANNED.more(disturbed, blocks=3, elapsed=1) == (True, "3 of 3 blocks were disturbed")
    assert PLANNED.more(disturbed, blocks=4, elapsed=1) == (
        False,
        "4 blocks, 1 more than planned, for disturbed ones",
    )


def test_until_stops_when_every_interval_is_narrow() -> None:
    assert UNTIL.more(NARROW, blocks=5, elapsed=1) == (
        False,
        "the widest interval is ±0.0%, of b mnist-mlp eager cpu 2 threads, after 5 blocks",
    )
    # fewer blocks may be that narrow by luck
    assert UNTIL.more(NARROW, blocks=4, elapsed=1)[0]
    more, why = UNTIL.more(WIDE, blocks=5, elapsed=1)
    assert more and why.endswith("of b mnist-mlp eager cpu 2 threads")


def test_all_cells_are_summarized_over_the_same_quiet_blocks() -> None:
    all_records = []
    for framework in "ab":
        for block in range(4):
            window = BUSY if framework == "b" and block > 1 else QUIET
            paced = record(window._replace(steps=5 * (1 + block)), block=block)
            all_records.append(of_framework(framework, paced))
    a, b = results.summarize(all_records, accuracy_of)
    assert set(a.throughputs) == set(b.throughputs) == {0, 1}
    assert a.throughput == b.throughput


def test_a_run_in_which_nothing_is_ok_stops_and_has_missed() -> None:
    failed = [replace(entry, status="failed", measurement=None) for entry in NARROW]
    assert UNTIL.more(failed, blocks=5, elapsed=1) == (False, "no cell is ok, after 5 blocks")
    assert UNTIL.missed(failed, blocks=5) == "no cell is ok"


def test_one_framework_aims_at_the_interval_of_its_pace() -> None:
    alone = [of_framework("a", record(QUIET, block=block)) for block in range(5)]
    more, why = UNTIL.more(alone, blocks=5, elapsed=1)
    assert not more and why.startswith("the widest interval is ±0.0%, of a mnist-mlp eager")
    assert UNTIL.missed(alone, blocks=5) == ""
    # in NARROW the ratios are equal in every block, and the paces are not
    varying = [entry for entry in NARROW if entry.job.cell.framework == "a"]
    assert UNTIL.more(varying, blocks=5, elapsed=1)[0]
    assert UNTIL.missed(varying, blocks=5)


def test_cells_are_compared_although_their_disturbed_blocks_differ() -> None:
    """Every block is disturbed for some cell, so all blocks are compared."""
    all_records = []
    for framework, disturbed in (("a", (0, 1)), ("b", (2, 3))):
        for block in range(4):
            window = BUSY if block in disturbed else QUIET
            all_records.append(of_framework(framework, record(window, block=block)))
    for summary in results.summarize(all_records, accuracy_of):
        assert summary.relative and summary.relative.known and summary.rank == "1-2"
    assert widest(all_records, accuracy_of)


def test_until_stops_when_the_time_is_up() -> None:
    more, why = UNTIL.more(WIDE, blocks=3, elapsed=90)
    assert not more and why.startswith(
        "after 3 blocks, as another would have taken longer than the "
    )


def test_a_run_says_whether_it_missed_until() -> None:
    assert UNTIL.missed(WIDE, blocks=5).endswith("of b mnist-mlp eager cpu 2 threads")
    assert UNTIL.missed(NARROW, blocks=5) == ""
    assert "fewer than 5 blocks may be that narrow by luck" in UNTIL.missed(NARROW, blocks=4)
    assert PLANNED.missed(WIDE, blocks=1) == ""  # there was no --until


def test_durations_and_percentages() -> None:
    assert [duration(text) for text in ("90s", "1.5m", "2h", "7")] == [90, 90, 7200, 7]
    assert [fraction(text) for text in ("2%", "0.02", ".5%")] == [0.02, 0.02, 0.005]
    for wrong in ("2 %%", "fast", "-1%", ""):
        with pytest.raises(UsageError):
            fraction(wrong)
        with pytest.raises(UsageError):
            duration(wrong)
