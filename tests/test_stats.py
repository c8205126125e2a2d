"""Estimates from records with known figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from bench.analysis import processes, results
from bench.analysis.intervals import Interval, ratio
from bench.core.measurement import Windows
from bench.core.record import Cell, Record
from bench.core.task import Budget
from bench.records.snapshot import ACCURACY, MetricSnapshot
from tests.test_core import WINDOWS, accuracy_of, some_record


def test_throughput_is_all_samples_by_all_seconds() -> None:
    # 5 steps of 64 in 0.5 s and in 0.25 s
    assert processes.throughput(some_record(), [False, False]) == pytest.approx(640 / 0.75)


def reaching(target: float, better: Literal["more", "less"] = "more") -> MetricSnapshot:
    return replace(ACCURACY, target=target, better=better)


def test_time_to_target_counts_training_alone() -> None:
    measurement = some_record().measurement
    assert measurement
    assert processes.time_to_target(measurement, reaching(0.5)) == pytest.approx(0.5)
    assert processes.time_to_target(measurement, reaching(0.7)) == pytest.approx(0.75)
    assert processes.time_to_target(measurement, reaching(0.8)) is None
    assert processes.time_to_target(measurement, reaching(0.7, "less")) == pytest.approx(0.5)
    assert processes.time_to_target(measurement, reaching(0.4, "less")) is None
    assert processes.time_to_target(measurement, ACCURACY) is None


def test_evaluation_throughput() -> None:
    measurement = some_record().measurement
    assert measurement
    assert processes.evaluation_throughput(measurement) == pytest.approx(1000)


def test_a_cell_with_one_bad_repeat_is_not_ok_and_keeps_its_figures() -> None:
    good = some_record()
    bad = replace(good, status="crashed", reason="killed by SIGKILL", measurement=None)
    (summary,) = results.summarize([good, bad], accuracy_of)
    assert (summary.status, summary.reason, summary.repeats) == ("crashed", "killed by SIGKILL", 2)
    assert summary.throughput and summary.throughput.estimate == pytest.approx(640 / 0.75)
    assert (summary.relative, summary.rank) == (None, "")


def with_pace(framework: str, block: int, pace: float, **conditions: Any) -> Record:
    """A record of one window of that many samples a second."""
    record = some_record()
    assert record.measurement
    wall = 10 * record.batch / pace
    window = WINDOWS[0]._replace(steps=10, wall=wall, cpu=wall)
    columns = record.job.cell.to_columns()
    cell = Cell.from_columns({**columns, "framework": framework, **conditions})
    measurement = replace(record.measurement, windows=Windows.of([window]))
    job = replace(record.job, cell=cell, block=block, seed=block)
    return replace(record, job=job, measurement=measurement)


def ranked(records: list[Record]) -> dict[str, str]:
    return {
        summary.cell.framework: summary.rank for summary in results.summarize(records, accuracy_of)
    }


# A block is 10 times as slow as the one before it; within a block the cells are easily told apart.
PACES = {"a": [1000, 101, 10], "b": [900, 89, 9], "c": [901, 91, 8.9], "d": [500, 51, 5]}
RECORDS = [with_pace(f, block, pace) for f in PACES for block, pace in enumerate(PACES[f])]


def test_cells_are_compared_within_blocks() -> None:
    assert ranked(RECORDS) == {"a": "1", "b": "2-3", "c": "2-3", "d": "4"}
    assert ranked(RECORDS[::-1]) == ranked(RECORDS)
    summaries = {
        summary.cell.framework: summary for summary in results.summarize(RECORDS, accuracy_of)
    }
    expected = ratio(*(dict(enumerate(PACES[f])) for f in "da"))
    assert expected and summaries["d"].relative
    assert vars(summaries["d"].relative) == pytest.approx(vars(expected))
    assert summaries["a"].relative == Interval(estimate=1, low=1, high=1)
    for summary in summaries.values():
        assert summary.throughput and summary.relative and summary.throughput.known
        # in whole blocks, the ratio of the means is the mean of the ratios
        mean = np.prod(PACES["a"]) ** (1 / 3) * summary.relative.estimate
        assert summary.throughput.estimate == pytest.approx(mean)


@pytest.mark.parametrize(
    "other",
    [
        {"task": "mnist-softmax"},
        {"device": "cuda"},
        {"precision": "float64"},
        {"threads": 1},
        {"feed": "device"},
    ],
    ids=str,
)
def test_other_conditions_are_another_comparison(other: dict[str, Any]) -> None:
    records = [with_pace(f, block, pace) for f, pace in (("a", 10), ("b", 5)) for block in (0, 1)]
    others = [with_pace("a", block, 1000, **other) for block in (0, 1)]
    summaries = results.summarize([*records, *others], accuracy_of)
    assert [summary.rank for summary in summaries] == [
        "1",
        "2",
        "",
    ]  # a cell without any to compare it with has no rank
    relative = [summary.relative for summary in summaries]
    assert [ratio and ratio.estimate for ratio in relative] == pytest.approx([1, 0.5, 1])


def test_modes_are_compared() -> None:
    records = [
        with_pace("a", block, pace, mode=mode)
        for mode, pace in (("eager", 10), ("compiled", 20))
        for block in (0, 1)
    ]
    assert [summary.rank for summary in results.summarize(records, accuracy_of)] == ["2", "1"]


def test_a_cell_that_is_not_ok_has_no_rank_and_affects_none() -> None:
    bad = replace(RECORDS[2], status="crashed", reason="", measurement=None)
    assert bad.job.cell.framework == "a"
    records = [*RECORDS[:2], bad, *RECORDS[3:]]
    assert ranked(records) == {"a": "", "b": "1-2", "c": "1-2", "d": "3"}
    relative = {
        summary.cell.framework: summary.relative
        for summary in results.summarize(records, accuracy_of)
    }
    assert relative["a"] is None
    slowest = relative["d"]  # the fastest that is ok is c
    assert slowest and slowest.estimate**3 == pytest.approx(
        np.prod(PACES["d"]) / np.prod(PACES["c"])
    )


def test_ranks_are_not_known_before_every_cell_has_two_blocks() -> None:
    """As in a run that was stopped in its second block, or has only one."""
    order = sorted(RECORDS, key=lambda record: record.job.block)
    assert set(ranked(order[:4]).values()) == {""}
    assert set(ranked(order[:7]).values()) == {""}
    assert "" not in ranked(order[:8]).values()
    assert ranked(order[:11]) == ranked(order[:11][::-1]) != ranked(order[:4])


def test_feeding_and_energy_of_a_sample() -> None:
    record = some_record()
    assert record.measurement
    fed = replace(record.measurement, feed_seconds=0.01, joules=32.0, device_joules=64.0)
    (summary,) = results.summarize([replace(record, measurement=fed)], accuracy_of)
    # 640 samples in 0.75 s are 13.3 batches of 64 a second, each fed in 0.01 s; 10 steps in all
    assert summary.feed_share == pytest.approx(640 / 0.75 / 64 * 0.01)
    assert summary.joules == pytest.approx(32 / 640)
    assert summary.device_joules == pytest.approx(64 / 640)
    (unrecorded,) = results.summarize([record], accuracy_of)
    assert (unrecorded.feed_share, unrecorded.joules, unrecorded.device_joules) == (
        None,
        None,
        None,
    )


def with_mode(mode: str, *, wall: float, first_step: float) -> Record:
    """One epoch of 10 steps, which take `wall` seconds."""
    record = some_record()
    assert record.measurement
    window = WINDOWS[0]._replace(steps=10, wall=wall)
    job = replace(record.job, cell=replace(record.job.cell, mode=mode), budget=Budget(epochs=1))
    measurement = replace(
        record.measurement,
        windows=Windows.of([window]),
        first_step_seconds=first_step,
        build_seconds=0.0,
    )
    return replace(record, job=job, measurement=measurement)


def test_the_gain_of_tuning() -> None:
    records = [with_pace("a", block, pace) for block, pace in enumerate((200, 220))]
    records += [
        with_pace("a", block, pace, tuning="default") for block, pace in enumerate((100, 100))
    ]
    expert, default = results.summarize(records, accuracy_of)
    assert expert.tuned and expert.tuned.estimate == pytest.approx(math.sqrt(2.0 * 2.2))
    assert default.tuned is None


def test_a_gpu_is_compared_with_the_cpu_and_a_precision_with_float32() -> None:
    cpu, gpu, half = (
        [with_pace("a", block, pace * (1 + block / 100), **conditions) for block in range(3)]
        for pace, conditions in (
            (100, {}),
            (1000, {"device": "cuda"}),
            (1500, {"device": "cuda", "precision": "bf16"}),
        )
    )
    slow, fast, fastest = results.summarize([*cpu, *gpu, *half], accuracy_of)
    assert (slow.on_gpu, slow.reduced, fast.reduced, fast.metric_change) == (None,) * 4
    assert fast.on_gpu and fast.on_gpu.estimate == pytest.approx(10)
    assert fastest.on_gpu is None  # nothing of that precision ran on the CPU
    assert fastest.reduced and fastest.reduced.estimate == pytest.approx(1.5)
    assert fastest.metric_change == 0


def test_when_compiling_pays_off() -> None:
    eager = with_mode("eager", wall=2.0, first_step=1.0)

    def epochs(compiled: Record) -> float | None:
        by_mode = {
            summary.cell.mode: summary
            for summary in results.summarize([eager, compiled], accuracy_of)
        }
        assert by_mode["eager"].break_even is None
        return by_mode["compiled"].break_even

    # an epoch is a second shorter, and compiling took 10 seconds
    assert epochs(with_mode("compiled", wall=1.0, first_step=11.0)) == pytest.approx(10)
    assert epochs(with_mode("compiled", wall=3.0, first_step=11.0)) == math.inf
    assert epochs(with_mode("compiled", wall=1.0, first_step=0.5)) == 0


def test_what_compiling_saves_is_told_by_the_blocks_that_both_have() -> None:
    """The last block slowed everything, and only the compiled cell has it yet."""
    eager = [with_pace("a", block, 100 + block, mode="eager") for block in range(3)]
    compiled = [with_pace("a", block, 120 + 1.2 * block, mode="compiled") for block in range(3)]
    compiled.append(with_pace("a", 3, 40, mode="compiled"))
    slow, fast = results.summarize([*eager, *compiled], accuracy_of)
    assert fast.break_even is not None and math.isfinite(fast.break_even)
    assert slow.throughput and fast.throughput
    assert slow.throughput.estimate > fast.throughput.estimate  # by the block of its own


def test_data_that_is_not_the_official_set_is_named_so() -> None:
    record = some_record()
    odd = replace(record, dataset={**record.dataset, "official": {"train": True, "test": False}})
    twin = replace(record, dataset={**record.dataset, "source": "synthetic"})
    labels = [results.summarize([each], accuracy_of)[0].data for each in (record, odd, twin)]
    assert labels == ["real", "real, test not official", "synthetic"]
