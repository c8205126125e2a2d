"""The time that a run has left: replayed from real runs, and in what does not go as expected."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from bench.core.grouping import grouped
from bench.core.record import Cell, Record
from bench.core.setting import Setting
from bench.launch import catalogue
from bench.records import run_folder
from bench.run.time_left import SURPRISE, TimeLeft
from tests.test_stats import with_pace


def in_one_go(run: Path) -> bool:
    """Whether one machine made it without a break.

    While a run is interrupted, its clock stands, and that of its records does not; and several
    nodes measure blocks side by side.
    """
    info = run_folder.read_info(run)
    return not info.get("resumed") and len(info.get("nodes", {})) <= 1


RUNS = sorted(
    path.parent
    for path in (catalogue.TREE / "results").glob("*/run.json")
    if in_one_go(path.parent)
)
# What an estimate may be off after the first block, of what is really left; and seconds, for the
# last jobs.
OFF, SECONDS = 0.25, 15.0
# How much longer than usual a job must take for the time left to rise.
UNUSUAL = 1.5


class Clock:
    """Time that passes as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def began(group: list[Record]) -> float:
    """When the first of these jobs began, which need not be the first to end."""
    return min(datetime.fromisoformat(record.started).timestamp() for record in group)


@dataclass(frozen=True, kw_only=True)
class Event:
    """The time left by the estimate and really; `usual` if jobs took as long as in other blocks."""

    block: int
    estimated: float
    really: float
    usual: bool


def replayed(run: run_folder.Run) -> Iterator[Event]:
    """A run's events by its records, after the first block.

    At the beginning, in the middle and at the end of each group of jobs that took turns.
    """
    records = [record for record in run.records if record.started]
    cells = list(dict.fromkeys(record.job.cell for record in records))
    clock = Clock()
    blocks = 1 + max(record.job.block for record in records)
    time_left = TimeLeft(cells=cells, blocks=blocks, done=set(), clock=clock)
    groups = list(grouped(records, _turn).values())
    end = began(groups[-1]) + sum(record.wall_seconds for record in groups[-1])
    every = grouped(records, lambda record: record.job.cell)
    usual = {c: statistics.median(r.wall_seconds for r in own) for c, own in every.items()}
    for group in groups:
        # Starts are in whole seconds, so that a job seems to start before the last one's end.
        start = clock.now = max(clock.now, began(group))
        time_left.begin([record.job.cell for record in group])
        took = sum(record.wall_seconds for record in group)
        is_usual = took <= UNUSUAL * sum(usual[record.job.cell] for record in group)

        def event(group: list[Record] = group, is_usual: bool = is_usual) -> Iterator[Event]:
            seconds = time_left.seconds()
            if seconds is not None and (block := group[0].job.block):
                really = end - clock.now
                yield Event(block=block, estimated=seconds, really=really, usual=is_usual)

        for share in (0.0, 0.5):
            clock.now = start + share * took
            yield from event()
        clock.now = start + took
        for record in group:
            time_left.recorded(record)
        time_left.idle()
        yield from event()


def _turn(record: Record) -> object:
    """What jobs share that took turns: those of older runs ran alone."""
    job = record.job
    alone = job.cell if record.companions is None else None
    return (job.block, job.cell.task, job.cell.device, alone)


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_it_is_right_after_the_first_block_of_a_real_run(folder: Path) -> None:
    for event in replayed(run_folder.read(folder)):
        assert abs(event.estimated - event.really) <= OFF * event.really + SECONDS, event


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_it_does_not_rise_in_a_real_run(folder: Path) -> None:
    for before, after in pairwise(replayed(run_folder.read(folder))):
        if after.usual:
            assert after.estimated <= before.estimated + 1e-6


CELLS = [Cell(framework=name, task="mnist-mlp", mode="eager", setting=Setting()) for name in "ab"]


def ended(cell: Cell, block: int, seconds: float) -> Record:
    record = with_pace(cell.framework, block, 100, mode="eager")
    return replace(record, job=replace(record.job, cell=cell), wall_seconds=seconds)


def run_a_block(time_left: TimeLeft, clock: Clock, block: int, seconds: float) -> None:
    for cell in CELLS:
        time_left.begin([cell])
        clock.now += seconds
        time_left.recorded(ended(cell, block, seconds))
        time_left.idle()


def test_nothing_is_known_before_the_first_job_is_done() -> None:
    clock = Clock()
    time_left = TimeLeft(cells=CELLS, blocks=3, done=set(), clock=clock)
    time_left.begin()
    assert time_left.seconds() is None
    clock.now = 10.0
    time_left.recorded(ended(CELLS[0], 0, 10.0))
    time_left.idle()
    assert time_left.seconds() == pytest.approx(50)  # the other cell is expected to take as long


def test_the_progress_within_jobs_counts() -> None:
    clock = Clock()
    time_left = TimeLeft(cells=CELLS, blocks=2, done=set(), clock=clock)
    run_a_block(time_left, clock, 0, 10.0)
    time_left.begin(CELLS)
    assert time_left.seconds() == pytest.approx(20)
    clock.now += 15.0  # both take turns
    assert time_left.seconds() == pytest.approx(5)
    for cell in CELLS:
        time_left.recorded(ended(cell, 1, 10.0))
    assert time_left.seconds() == 0


def test_a_small_delay_slows_the_clock_and_a_large_one_shows() -> None:
    clock = Clock()
    time_left = TimeLeft(cells=CELLS, blocks=6, done=set(), clock=clock)
    run_a_block(time_left, clock, 0, 10.0)
    before = time_left.seconds()
    assert before == pytest.approx(100)
    run_a_block(time_left, clock, 1, 11.0)
    after = time_left.seconds()
    assert after == pytest.approx(8 * 10.5)  # by the medians
    assert after > before - 22
    run_a_block(time_left, clock, 2, 40.0)
    late = time_left.seconds()
    assert late is not None and late > (1 + SURPRISE) * (after - 80)


def test_another_block_and_an_earlier_part_count() -> None:
    clock = Clock()
    earlier = {(cell, 0) for cell in CELLS}
    time_left = TimeLeft(cells=CELLS, blocks=2, done=earlier, clock=clock)
    assert time_left.seconds() is None
    run_a_block(time_left, clock, 1, 10.0)
    assert time_left.seconds() == 0
    time_left.extended()
    assert time_left.seconds() == pytest.approx(20)
