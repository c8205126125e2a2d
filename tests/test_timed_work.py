"""What a record by itself shows of the work that was timed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import findings, timed_work
from bench.analysis.findings import WorkFinding
from bench.analysis.processes import processes
from bench.analysis.results import Results, summarize
from bench.analysis.roofline import Rates
from bench.analysis.timed_work import FENCE, MOST_OF_PEAK, READING
from bench.core.measurement import Window, Windows
from bench.core.record import Record
from bench.records.snapshot_taking import take
from tests.test_core import accuracy_of, some_record
from tests.test_tables import run_of

# A hundred windows of 0.1 s, of 50 steps each.
WINDOW = Window(
    epoch=0,
    steps=50,
    wall=0.1,
    cpu=0.1,
    involuntary=0,
    loss=1.0,
    read=50 * 20e-6,
    first_read=20e-6,
)
COUNT = 100


def record(*, fence: float = 0.0, counted: float | None = None, **of_windows: Any) -> Record:
    """A record of these windows; `counted` are the runner's seconds, by default those told."""
    some = some_record()
    assert some.measurement
    threads = of_windows.pop("threads", 1)
    device = of_windows.pop("device", "cpu")
    cell = some.job.cell.with_setting(threads=threads, device=device)
    made = replace(
        some,
        job=replace(some.job, cell=cell),
        measurement=replace(
            some.measurement,
            windows=Windows.of([WINDOW._replace(**of_windows)] * COUNT),
            other_seconds={"fence": fence},
        ),
        phases={"train": 0.0},
    )
    told = -(timed_work.untold_seconds(made) or 0.0)
    return replace(made, phases={"train": told if counted is None else told + counted})


def checks(made: Record) -> list[str]:
    return [finding.check for finding in timed_work.findings([made])]


def test_an_honest_process_shows_nothing() -> None:
    assert checks(record()) == []


def test_reading_may_take_as_long_as_it_takes() -> None:
    """Every loss alike, up to `READING`, however much of so short a step that is."""
    each = 0.9 * READING
    assert checks(record(read=50 * each, first_read=each)) == []
    slow = 4 * READING
    assert checks(record(read=50 * slow, first_read=slow)) == ["fence"]


@pytest.mark.parametrize("share", [0.06, 0.5, 20.0])
def test_work_that_the_first_read_waits_for_is_found(share: float) -> None:
    first = share * WINDOW.wall
    assert checks(record(read=49 * 20e-6 + first, first_read=first)) == ["fence"]


def test_work_that_the_next_fence_waits_for_is_found() -> None:
    assert checks(record(fence=0.9 * COUNT * FENCE)) == []
    assert checks(record(fence=COUNT * FENCE + 0.1 * COUNT * WINDOW.wall)) == ["fence"]


def test_windows_of_one_step_may_be_read(loss_seconds: float = 0.5 * READING) -> None:
    assert checks(record(steps=1, read=loss_seconds, first_read=loss_seconds)) == []
    assert checks(record(steps=1, read=0.05, first_read=0.05)) == ["fence"]


def test_a_record_of_an_older_schema_is_not_judged_by_what_it_lacks() -> None:
    made = replace(record(read=None, first_read=None), phases={})
    assert checks(made) == []


def test_seconds_that_nobody_accounts_for_are_found() -> None:
    assert checks(record(counted=0.9)) == []
    assert checks(record(counted=2.0)) == ["untold"]
    assert checks(record(counted=1000.0)) == ["untold"]


def test_time_in_methods_that_should_take_none_is_not_accounted_for() -> None:
    made = record(counted=5.0)
    assert made.measurement
    other = {**made.measurement.other_seconds, "close": 5.0}
    assert checks(replace(made, measurement=replace(made.measurement, other_seconds=other))) == [
        "untold"
    ]


@pytest.mark.parametrize(
    ("framework", "threads", "device", "cores", "found"),
    [
        ("pytorch", 1, "cpu", 1.04, 0),
        ("pytorch", 1, "cpu", 1.07, 1),
        ("pytorch", 2, "cpu", 2.0, 0),
        ("pytorch", 2, "cpu", 2.3, 1),
        ("mxnet_gluon", 1, "cpu", 1.9, 0),  # one computes while Python's hands out operations
        ("mxnet_gluon", 1, "cpu", 2.3, 1),
        ("pytorch", 1, "cuda", 1.84, 0),
        ("pytorch", 1, "cuda", 4.0, 1),
    ],
)
def test_threads_beyond_those_that_were_given_are_found(
    framework: str, threads: int, device: str, cores: float, found: int
) -> None:
    made = record(threads=threads, device=device, cpu=cores * WINDOW.wall)
    cell = replace(made.job.cell, framework=framework)
    made = replace(made, job=replace(made.job, cell=cell))
    snapshot = take([cell], {cell.task: made.job.budget}).to_fields()
    run = run_of([made])
    (summary,) = Results.of(replace(run, info={**run.info, "snapshot": snapshot})).summaries
    assert ("more threads than it was given" in summary.reason) == bool(found)


@pytest.mark.parametrize(("crowd", "found"), [(None, 1), (0.0, 1), (0.8, 0)])
def test_a_pace_beyond_the_peak_is_found_unless_the_peak_was_disturbed(
    crowd: float | None, found: int
) -> None:
    made = record()
    run = run_of([made])
    task = run.snapshot.task(made.job.cell.task)
    (process,) = processes([made])
    assert task and process.throughput
    needed = task.flops_per_example * process.throughput
    for share, expected in ((0.9 * MOST_OF_PEAK, 0), (1.5 * MOST_OF_PEAK, found)):
        rates = Rates(
            framework="pytorch",
            device="cpu",
            threads=1,
            matmul=needed / share,
            memory=1e9,
            crowd=crowd,
        )
        results = Results.of(replace(run, info={**run.info, "rates": [rates.to_fields()]}))
        assert sum("the machine's peak" in summary.reason for summary in results.summaries) == (
            expected
        )


def test_a_cell_with_a_finding_in_any_block_is_wrong_and_not_ranked() -> None:
    good, bad = record(), record(counted=1000.0)
    job = bad.job
    again = replace(good, job=replace(job, block=job.block + 1))
    other = replace(job, cell=replace(job.cell, framework="mxnet_gluon"))
    records = [bad, again, replace(good, job=other)]
    wrong, ok = summarize(records, accuracy_of)
    assert (wrong.status, ok.status) == ("wrong", "ok")
    assert "where no clock counts it" in wrong.reason and "in block 1" in wrong.reason
    assert wrong.rank == "" and wrong.relative is None


def test_a_reason_names_every_block_of_its_check() -> None:
    cell = some_record().job.cell
    found = [
        WorkFinding(cell=cell, block=block, check=check, reason=f"{check} went wrong")
        for block, check in ((1, "fence"), (0, "fence"), (2, "peak"), (4, "fence"))
    ]
    assert findings.by_cell(found) == {cell: "fence went wrong, in block 1, and likewise in 0, 4"}


def test_a_reason_counts_blocks_that_are_too_many_to_name() -> None:
    cell = some_record().job.cell
    found = [
        WorkFinding(cell=cell, block=block, check="fence", reason="fence went wrong")
        for block in range(1 + findings.MOST_NAMED + 1)
    ]
    (reason,) = findings.by_cell(found[:-1]).values()
    assert reason == f"fence went wrong, in block 0, and likewise in {', '.join('123456789')}, 10"
    (reason,) = findings.by_cell(found).values()
    assert reason == "fence went wrong, in block 0, and likewise in 11 others"
