"""What is recorded about a GPU, with a stand-in that answers as NVML's driver does."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from bench.analysis.results import Results
from bench.core.record import GpuSample, GpuUse, Record
from bench.launch import catalogue, gpu_state
from bench.records import record_lines
from bench.report.run.ledger import entries
from bench.run.plan import devices_of
from tests.test_core import some_record
from tests.test_tables import run_of, tables

STRANGER = 4_000_000  # no process has this number: the largest that Linux assigns is 4,194,304


class Driver:
    """A driver of one GPU with the processes that a test sets; it answers like pynvml."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.used = 100
        self.processes: list[int] = []
        answers = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: "580.1",
            "nvmlSystemGetCudaDriverVersion_v2": lambda: 13000,
            "nvmlDeviceGetCount": lambda: 1,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda handle: "A GPU",
            "nvmlDeviceGetUUID": lambda handle: "GPU-1",
            "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=self.used, total=1000),
            "nvmlDeviceGetPowerUsage": lambda handle: 123_456,
            "nvmlDeviceGetClockInfo": lambda handle, which: 1700 + which,
            "nvmlDeviceGetTemperature": self.refuse,
            "nvmlDeviceGetCurrentClocksEventReasons": lambda handle: 4 | 1,
            "nvmlDeviceGetComputeRunningProcesses": lambda handle: [
                SimpleNamespace(pid=pid) for pid in self.processes
            ],
            "nvmlDeviceGetGraphicsRunningProcesses": self.refuse,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, answer)

    def refuse(self, *arguments: Any) -> None:
        raise pynvml.NVMLError_NotSupported


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(monkeypatch)


def test_gpus_are_listed(driver: Driver) -> None:
    (only,) = gpu_state.find()
    assert only == {"name": "A GPU", "memory_bytes": "1000", "driver": "580.1", "cuda": "13.0"}
    assert devices_of(["auto"]) == ["cpu", "cuda"]
    assert devices_of(["cuda", "auto"]) == ["cuda", "cpu"]


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert gpu_state.find() == []
    assert devices_of(["auto", "auto"]) == ["cpu"]
    with gpu_state.watched() as watch:
        assert watch is None


def test_a_gpu_is_sampled_while_a_worker_uses_it(driver: Driver) -> None:
    with gpu_state.watched() as watch:
        assert watch
        driver.used, driver.processes = 400, [os.getpid()]
        watch.sample([os.getsid(0)])
        driver.used = 300
        watch.sample([os.getsid(0)])
        use = watch.use()
    assert use.peak_bytes == 300
    assert (use.name, use.cuda, use.others) == ("A GPU", "13.0", ())
    assert use.samples[0] == GpuSample(
        clock_mhz=1700 + pynvml.NVML_CLOCK_SM,
        memory_clock_mhz=1700 + pynvml.NVML_CLOCK_MEM,
        watts=123.456,
        celsius=None,  # this GPU does not report it
        used_bytes=400,
        slowdowns=("power cap",),
    )


def test_other_processes_on_the_gpu_are_named(driver: Driver) -> None:
    driver.processes = [STRANGER]
    with gpu_state.watched() as watch:
        assert watch
        # A worker in a container appears under its number on the host, which is invisible here.
        driver.processes = [STRANGER, STRANGER + 1, os.getpid()]
        watch.sample([1])
        use = watch.use()
    hidden, named = use.others
    assert hidden == f"a process that is not visible here ({STRANGER})"
    assert named.endswith(f"(process {os.getpid()})")


def on_gpu(*others: str) -> Record:
    sample = GpuSample(1980, 2619, 340.5, 61, 2**30, ("power cap",))
    use = GpuUse(
        name="A GPU",
        uuid="GPU-1",
        driver="580.1",
        cuda="13.0",
        used_before_bytes=2**20,
        samples=(sample, sample._replace(clock_mhz=1200)),
        others=others,
    )
    record = some_record()
    cell = record.job.cell.with_setting(device="cuda")
    return replace(record, job=replace(record.job, cell=cell), gpu=use)


def test_a_record_keeps_the_samples_of_the_gpu() -> None:
    record = on_gpu("python (process 7)")
    assert record_lines.record(record.to_json().encode()) == record
    assert record.gpu and record.gpu.peak_bytes == 2**30 - 2**20


def test_a_shared_gpu_is_reported_below_the_table() -> None:
    (alone,), (shared,) = tables([on_gpu()]), tables([on_gpu("python (process 7)")])
    assert not any("also used" in note for note in alone.warnings)
    assert any("also used by python (process 7)" in note for note in shared.warnings)


def test_the_ledger_has_clocks_power_and_temperature() -> None:
    (entry,) = entries(Results.of(run_of([on_gpu()])))
    assert entry.gpu == (
        "A GPU, driver 580.1 (CUDA up to 13.0)",
        "1,200 to 1,980 MHz",
        "2,619 to 2,619 MHz (memory)",
        "340 to 340 W",
        "61 to 61 °C",
        "slowed down at times by: power cap",
    )
    (cpu,) = entries(Results.of(run_of([some_record()])))
    assert cpu.gpu == ()


def test_the_ledger_says_how_a_precision_is_computed() -> None:
    record = on_gpu()
    cell = replace(record.job.cell, framework="paddlepaddle").with_setting(precision="tf32")
    run = run_of([replace(record, job=replace(record.job, cell=cell))])
    del run.info["snapshot"]  # as in an older run, which kept its settings by themselves
    run.info["settings"] = {"paddlepaddle": catalogue.load("paddlepaddle").settings("")}
    (entry,) = entries(Results.of(run))
    assert entry.precision.startswith("tf32 by Paddle's default")
    assert "NVIDIA_TF32_OVERRIDE=1" in entry.variables
