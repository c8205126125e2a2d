"""A machine's peak, the share of it that a cell reaches, and how reports show both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import tasks
from bench.analysis.results import Results
from bench.analysis.roofline import Rates, Use, peaks, use
from bench.core.cost import step_bytes, training_flops
from bench.core.errors import UnavailableError
from bench.core.listener import SILENT
from bench.core.record import Cell
from bench.core.setting import Setting
from bench.launch import catalogue
from bench.launch.virtual_environments import Environment
from bench.records import run_folder
from bench.report.run import run_forms
from bench.report.run.peak_text import peak_lines, share_text
from bench.run.peak_measurement import measure_rates
from bench.worker.machine_rates import best_seconds
from tests.rotation import rotating

RATES = (
    Rates(framework="pytorch", device="cpu", threads=2, matmul=200e9, memory=20e9),
    Rates(framework="mxnet_gluon", device="cpu", threads=2, matmul=100e9, memory=30e9),
    Rates(framework="pytorch", device="cpu", threads=1, matmul=110e9, memory=15e9),
    Rates(
        framework="paddlepaddle", device="cpu", threads=2, status="crashed", reason="exit code 7"
    ),
)
QUICK = catalogue.TREE / "results" / "quick-epyc-2cpu"


def test_the_peak_is_the_best_of_all_frameworks_with_as_many_threads() -> None:
    best = peaks(RATES)
    assert set(best) == {("cpu", 2), ("cpu", 1)}
    two = best["cpu", 2]
    assert (two.matmul, two.matmul_by) == (200e9, "pytorch")
    assert (two.memory, two.memory_by) == (30e9, "mxnet_gluon")
    assert best["cpu", 1].memory == 15e9


def test_use_is_the_task_s_work_over_the_peak() -> None:
    task, peak = tasks.load("mnist-softmax"), peaks(RATES)["cpu", 2]
    moved = step_bytes(task) / task.batch
    used = use(1_000_000, flops=training_flops(task), moved=moved, peak=peak)
    assert used.share == pytest.approx(31_360 * 1e6 / 200e9)
    assert used.memory_share == pytest.approx(568_648 / 64 * 1e6 / 30e9)


@pytest.mark.parametrize(
    ("share", "memory_share", "bound"),
    [
        (0.5, 0.9, "compute"),
        (0.499, 0.5, "memory"),
        (0.1, 1.7, "memory"),
        (0.499, 0.499, "overhead"),
    ],
)
def test_what_bounds_a_cell(share: float, memory_share: float, bound: str) -> None:
    assert Use(share=share, memory_share=memory_share).bound == bound


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.02, "102 %"), (0.123, "12 %"), (0.0996, "10 %"), (0.0994, "9.9 %"), (1e-5, "<0.1 %")],
)
def test_a_share_is_shown_with_what_bounds_it(share: float, text: str) -> None:
    bound = "compute" if share > 0.5 else "overhead"
    assert share_text(Use(share=share, memory_share=0.1)) == f"{text} ({bound}-bound)"


def quick(**changed: Any) -> run_folder.Run:
    """The published run with rates, and with these fields of every record and cell changed."""
    run = run_folder.read(QUICK)
    cell = {key: changed.pop(key) for key in ("threads", "precision") if key in changed}
    records = [
        replace(
            record, **changed, job=replace(record.job, cell=record.job.cell.with_setting(**cell))
        )
        for record in run.records
    ]
    info = {**run.info, "rates": [rates.to_fields() for rates in RATES]}
    return run_folder.Run(folder=run.folder, info=info, records=records)


def test_shares_are_for_the_text_length_that_was_trained() -> None:
    table = Results.of(quick()).frame()
    row = table[(table["task"] == "imdb-lstm") & (table["framework"] == "pytorch")].iloc[0]
    flops = 50 * 3 * 2 * 4 * 256 * 356 + 3 * 2 * 256
    assert row["flops_per_example"] == flops
    assert row["share_of_peak"] == pytest.approx(flops * row["samples_per_second"] / 200e9)
    assert row["bound"] == ("compute" if row["share_of_peak"] >= 0.5 else "overhead")
    results = Results.of(quick())
    assert peak_lines(results)[0] == (
        "peak (cpu, 2 threads): 200 GFLOP/s of float32 matrix product in PyTorch, "
        "30.0 GB/s of memory in MXNet Gluon"
    )
    for line in peak_lines(results):
        assert line in run_forms.to_markdown(results)


@pytest.mark.parametrize(
    "changed", [{"threads": 4}, {"precision": "float64"}, {"status": "wrong", "reason": "no"}]
)
def test_a_cell_that_cannot_be_compared_with_the_peak_has_no_share(changed: dict[str, Any]) -> None:
    table = Results.of(quick(**changed)).frame()
    assert table["share_of_peak"].isna().all() and table["bound"].isna().all()
    assert table["flops_per_example"].notna().all()


def test_a_run_without_rates_has_no_shares() -> None:
    run = run_folder.read(QUICK)
    run.info.pop("rates", None)
    results = Results.of(run)
    assert results.frame()["share_of_peak"].isna().all()
    assert not peak_lines(results) and "overhead" not in run_forms.to_markdown(results)


def test_the_best_window_counts() -> None:
    calls = 0

    def operation() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.02 if calls < 3 else 0.005)

    assert 0.005 <= best_seconds(operation) < 0.02


@pytest.mark.frameworks
def test_a_slow_operation_is_measured_only_once() -> None:
    calls = 0

    def operation() -> None:
        nonlocal calls
        calls += 1
        time.sleep(1.1)

    assert best_seconds(operation) >= 1.1
    assert calls == 2  # one to warm up, one to measure


def cells(*frameworks: str) -> list[Cell]:
    return [
        Cell(framework=framework, task=task, mode="eager", setting=Setting(threads=2))
        for framework in frameworks
        for task in ("mnist-mlp", "mnist-softmax")
    ]


def test_a_worker_that_dies_does_not_stop_the_others(tmp_path: Path) -> None:
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\necho no such luck\nexit 7\n", encoding="utf-8")
    dying.chmod(0o755)
    environments: dict[tuple[str, str], Environment | UnavailableError] = {
        ("pytorch", "cpu"): Environment(python=dying, packages={}),
        ("reference", "cpu"): Environment(python=tmp_path / "none", packages={}),
        ("mxnet_gluon", "cpu"): UnavailableError("no wheel"),
    }
    dead, absent = measure_rates(cells("pytorch", "reference", "mxnet_gluon"), environments, SILENT)
    assert (dead.status, dead.reason) == ("crashed", "exit code 7: no such luck")
    assert absent.status == "crashed" and "cannot be started: No such file" in absent.reason
    assert Rates.from_fields(dead.to_fields()) == dead
    assert not peaks([dead, absent])


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "framework",
    [pytest.param(name, marks=rotating(f"rates {name}")) for name in catalogue.names()],
)
def test_every_framework_s_rates_are_plausible(
    framework: str, environment: Callable[[str], Environment]
) -> None:
    environments = {(framework, "cpu"): environment(framework)}
    (rates,) = measure_rates(cells(framework), environments, SILENT)
    assert rates.status == "ok", rates
    assert 1e9 < rates.matmul < 1e13
    assert 1e8 < rates.memory < 1e13
