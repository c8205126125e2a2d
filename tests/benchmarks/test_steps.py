"""A training step of every framework on every task: timed by its worker, reported by pytest.

A framework cannot be imported here, and a pipe must not be timed. So the benchmarked function only
counts: `CLOCK`, which is pytest-benchmark's timer, has the worker train as many steps as have been
counted, in one window between two fences, and moves on by the seconds that the worker measured.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import tasks
from bench.core.dataset_info import data_label
from bench.core.record import Cell, Job
from bench.core.task import Budget
from bench.launch import catalogue, step_worker
from bench.launch.conversation import JobEndedError
from bench.launch.worker_process import WorkerSpec
from bench.report.run.pytest_benchmark import extra_info
from tests.benchmarks.conftest import Prepared

# Seconds of a round, and most seconds of warm-up, as in `framebench run`.
WINDOW = 0.1
WARMUP = 2.0
SILENCE = 300.0


class WorkerClock:
    """A clock that advances only by the windows that a worker has timed."""

    def __init__(self) -> None:
        self._worker: step_worker.Steps | None = None
        self._counted = 0
        self._seconds = 0.0

    def attach(self, worker: step_worker.Steps) -> None:
        """Train in this worker from now on."""
        self._worker, self._counted = worker, 0

    def count(self) -> None:
        """Train one more step before the next reading."""
        self._counted += 1

    def read(self) -> float:
        """Trains the counted steps. Returns the seconds of training so far."""
        if self._counted:
            assert self._worker
            self._seconds += self._worker.take(self._counted).wall
            self._counted = 0
        return self._seconds


CLOCK = WorkerClock()


@pytest.mark.benchmark(timer=CLOCK.read)
@pytest.mark.timeout(0)  # the first test proves all cells; the worker has a timeout
def test_step(
    cell: Cell,
    recipe: Budget,
    prepared: Prepared,
    benchmark: BenchmarkFixture,
    pytestconfig: pytest.Config,
    tmp_path: Path,
) -> None:
    environment = prepared.environment(cell)
    window = max(WINDOW, float(pytestconfig.getoption("benchmark_min_time")))
    job = Job(
        cell=cell,
        block=0,
        seed=0,
        budget=recipe,
        data=str(prepared.data[cell.task]),
        warmup=WARMUP,
        window=window,
    )
    spec = WorkerSpec(
        framework=catalogue.load(cell.framework),
        environment=environment,
        setting=cell.setting,
        log=tmp_path / "worker.log",
        timeout=SILENCE,
    )
    try:
        with step_worker.start(job, spec) as worker:
            CLOCK.attach(worker)
            longest = float(pytestconfig.getoption("benchmark_max_time"))
            fewest: int = pytestconfig.getoption("benchmark_min_rounds")
            benchmark.group = cell.task
            benchmark.pedantic(
                CLOCK.count,
                iterations=worker.window_steps,
                rounds=max(fewest, math.ceil(longest / window)),
            )
    except JobEndedError as error:
        ends = pytest.skip if error.status == "unsupported" else pytest.fail
        ends(f"{error.status}: {error}")
    batch = tasks.load(cell.task).batch
    benchmark.extra_info.update(
        extra_info(
            cell,
            batch=batch,
            seconds=benchmark.stats["median"],
            versions=worker.versions,
            data=data_label(worker.dataset),
        )
    )
