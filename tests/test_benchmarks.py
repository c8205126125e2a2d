"""Benchmarks and exports as pytest-benchmark reads them, and the workers that take the steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.stats import Stats

from bench.analysis.results import Results
from bench.core.record import Cell, Job
from bench.core.setting import Setting
from bench.core.task import Budget
from bench.launch import catalogue, step_worker
from bench.launch.conversation import JobEndedError
from bench.launch.virtual_environments import Environment
from bench.launch.worker_process import WorkerSpec
from bench.records import run_folder
from bench.report.run import pytest_benchmark
from bench.system import children
from tests.conftest import FinishedRun, Framebench

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"
SOFTMAX = ("--framework", "reference", "--task", "mnist-softmax", "--threads", "1")


def pytest_in_tree(*arguments: str, expect: int = 0) -> str:
    """What pytest prints in the repository's own folder; its exit code must be `expect`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=catalogue.TREE,
        # This test may run in one of several processes of pytest's, which then times nothing.
        env={name: value for name, value in os.environ.items() if "XDIST" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def compare(folder: Path, *files: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Failed to load" not in done.stderr
    return done.stdout


@pytest.mark.frameworks  # proves and times the reference, and then runs it
def test_a_timed_step_has_the_fields_of_an_exported_run(
    framebench: Framebench, finished_run: FinishedRun, tmp_path: Path
) -> None:
    timed, exported = tmp_path / "timed.json", tmp_path / "run.json"
    pytest_in_tree(
        *("tests/benchmarks", "--benchmark-only", *SOFTMAX, f"--benchmark-json={timed}"),
        *("--benchmark-min-rounds=3", "--benchmark-max-time=0.2"),
    )
    (timed_step,) = json.loads(timed.read_text(encoding="utf-8"))["benchmarks"]
    assert timed_step["group"] == "mnist-softmax"
    assert timed_step["params"]["framework"] == "reference"
    assert timed_step["stats"]["rounds"] == 3 and len(timed_step["stats"]["data"]) == 3
    assert timed_step["stats"]["iterations"] > 1  # several steps between two fences
    extra = timed_step["extra_info"]
    assert (extra["mode"], extra["threads"], extra["batch"]) == ("eager", 1, 64)
    assert extra["versions"]["autograd"]
    assert extra["samples_per_second"] == pytest.approx(64 / timed_step["stats"]["median"])

    chosen = ("export", str(finished_run.folder), "--format", "pytest-benchmark")
    framebench(*chosen, "-o", str(exported))
    every = json.loads(exported.read_text(encoding="utf-8"))["benchmarks"]
    (of_run,) = (entry for entry in every if entry["group"] == "mnist-softmax")
    for key in ("group", "name", "fullname", "params", "param"):
        assert of_run[key] == timed_step[key]
    assert (
        timed_step.keys() == of_run.keys() and timed_step["stats"].keys() == of_run["stats"].keys()
    )
    assert extra.keys() == of_run["extra_info"].keys()
    assert "'mnist-softmax': 2 tests" in compare(tmp_path, timed, exported)


@pytest.mark.frameworks
def test_plain_pytest_times_nothing() -> None:
    output = pytest_in_tree("tests/benchmarks", *SOFTMAX, expect=5)
    assert "1 deselected" in output


def test_an_unknown_framework_gives_a_one_line_error() -> None:
    output = pytest_in_tree("tests/benchmarks", "--framework", "caffe", expect=4)
    assert "ERROR: no framework is called 'caffe'" in output


def test_a_published_run_is_read_by_pytest_benchmark(tmp_path: Path) -> None:
    text, left_out = pytest_benchmark.to_json(Results.of(run_folder.read(PUBLISHED)))
    file = tmp_path / "run.json"
    file.write_text(text, encoding="utf-8")
    output = compare(tmp_path, file)
    assert not left_out
    for task in ("cifar-cnn", "imdb-lstm", "mnist-mlp"):
        assert f"'{task}': 4 tests" in output
    assert "test_step[imdb-lstm-pytorch-eager-cpu-2threads-50tokens]" in output


def test_statistics_are_pytest_benchmark_s_own() -> None:
    for entry in json.loads(pytest_benchmark.to_json(Results.of(run_folder.read(PUBLISHED)))[0])[
        "benchmarks"
    ]:
        own = Stats()
        for seconds in entry["stats"]["data"]:
            own.update(seconds)
        exported: dict[str, Any] = {key: entry["stats"][key] for key in own.fields}
        expected = own.as_dict()
        assert exported.pop("outliers") == expected.pop("outliers")
        assert exported == pytest.approx(expected, rel=1e-9)


def test_what_is_not_ok_is_left_out_and_named() -> None:
    run = run_folder.read(PUBLISHED)
    cell = run.records[0].job.cell
    bad = replace(run.records[0], status="diverged", reason="loss nan", measurement=None)
    text, left_out = pytest_benchmark.to_json(
        Results.of(replace(run, records=[bad, *run.records[1:]]))
    )
    assert left_out == [f"{cell}: diverged: loss nan"]
    assert len(json.loads(text)["benchmarks"]) == 11


def softmax(data: Path) -> Job:
    """A short job of the reference."""
    cell = Cell(framework="reference", task="mnist-softmax", mode="eager", setting=Setting())
    budget = Budget(epochs=1, train_examples=640)
    return Job(cell=cell, block=0, seed=0, budget=budget, data=str(data), warmup=0.1, window=0.01)


def spec(job: Job, environment: Callable[[str], Environment], scratch: Path) -> WorkerSpec:
    """How to start a worker of the reference for the job."""
    return WorkerSpec(
        framework=catalogue.load("reference"),
        environment=environment("reference"),
        setting=job.cell.setting,
        log=scratch / "log",
        timeout=60,
    )


def test_a_worker_trains_as_many_steps_as_it_is_asked_for(
    environment: Callable[[str], Environment], mnist: Path, tmp_path: Path
) -> None:
    job = softmax(mnist)
    with step_worker.start(job, spec(job, environment, tmp_path)) as worker:
        assert worker.dataset["name"] == "mnist" and worker.versions["numpy"]
        few, many = worker.take(1), worker.take(200)  # over twenty epochs of ten batches
        assert 0 < few.wall < many.wall
    assert not children.live()


def test_a_killed_worker_is_reported_as_crashed(
    environment: Callable[[str], Environment], mnist: Path, tmp_path: Path
) -> None:
    job = softmax(mnist)
    with (
        pytest.raises(JobEndedError, match="killed by SIGKILL") as ended,
        step_worker.start(job, spec(job, environment, tmp_path)) as worker,
    ):
        children.end_all()
        worker.take(1)
    assert ended.value.status == "crashed"


def test_a_framework_s_error_ends_the_job(
    environment: Callable[[str], Environment], mnist: Path, tmp_path: Path
) -> None:
    job = softmax(mnist)
    job = replace(job, cell=job.cell.with_setting(device="cuda"))
    with (
        pytest.raises(JobEndedError, match="runs on the CPU alone") as ended,
        step_worker.start(job, spec(job, environment, tmp_path)),
    ):
        pass
    assert ended.value.status == "unsupported"


@pytest.mark.frameworks
def test_runs_in_a_row_tell_honest_adapters_from_others(tmp_path: Path) -> None:
    """The second run goes on with the kept source, in which later steps train half a batch."""
    command = [
        *(sys.executable, "-m", "tests.benchmarks.false_alarms", "--keep", str(tmp_path)),
        *("-f", "reference", "-t", "mnist-softmax", "--threads", "1", "-n", "1"),
        *("--train-examples", "640", "--test-examples", "500", "--data", "synthetic"),
    ]

    def printed(runs: int, expect: int) -> list[str]:
        done = subprocess.run(
            [*command, "--runs", str(runs)],
            cwd=catalogue.TREE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout.splitlines()

    first, so_far = printed(1, expect=0)
    assert first.startswith("run-01: 1 cells, 1 processes, ") and first.endswith(": no alarm")
    assert so_far == "1 runs, 1 processes: 0 alarms"
    adapter = tmp_path / "tree" / "frameworks" / "reference" / "adapter.py"
    step = "            loss, gradients = gradient(part, self._params, batch)\n"
    text = adapter.read_text(encoding="utf-8")
    assert text.count(step) == 1
    half = (
        "            self._taken = getattr(self, '_taken', 0) + 1\n"
        "            if self._taken > 600:\n"
        "                batch = tuple(array[::2] for array in batch)\n"
    )
    adapter.write_text(text.replace(step, half + step), encoding="utf-8")
    again, _, second, so_far = printed(2, expect=1)
    assert again == first
    assert second.startswith("run-02: 1 cells") and " wrong: " in second
    assert so_far.endswith(": 1 alarms")
