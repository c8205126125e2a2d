"""What a machine does not tell, or tells oddly, ends nothing: it is left out, or "not told"."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from bench.analysis.results import Results
from bench.core.telemetry import NAMELESS_GPU, told
from bench.launch import catalogue, gpu_state, machine
from bench.report.run.footer import machine_text
from bench.run.plan import devices_of
from bench.worker import clock, gpu_energy
from bench.worker.visible_gpu import InstalledGpu, candidates, first_visible
from tests.test_core import some_record
from tests.test_tables import run_of

UUIDS = ("GPU-11111111-2222-3333", "GPU-11119999-2222-3333", "GPU-7777")
ALIKE = [InstalledGpu(uuid, "A GPU") for uuid in UUIDS]
DIFFERENT = [InstalledGpu(uuid, f"GPU {uuid}") for uuid in UUIDS]

VISIBLE: dict[str, int | str | None] = {
    "0": 0,
    "2,0": 2,
    " 1 , 2": 1,
    "": None,
    "-1": None,
    "-1,0": None,
    "NoDevFiles": None,
    "3": None,
    "9" * 5000: None,
    "²": None,
    "GPU-77": 2,
    "GPU-11111": 0,
    "gpu-7777": None,
    "GPU-1111": None,  # two begin like that
    "GPU-5": None,
    "MIG-8f6d": "MIG-8f6d",
    "\x1b[31m": None,
    ",0": None,
}


@pytest.mark.parametrize("devices", VISIBLE, ids=lambda devices: devices[:20] or "nothing")
def test_the_first_gpu_is_the_one_that_cuda_shows_first(devices: str) -> None:
    variables = {"CUDA_VISIBLE_DEVICES": devices}
    assert first_visible(ALIKE, variables) == VISIBLE[devices]


def test_a_number_is_not_trusted_where_cuda_may_count_in_another_order() -> None:
    by_number = {"CUDA_VISIBLE_DEVICES": "1"}
    assert first_visible(DIFFERENT, by_number) is None
    assert candidates(DIFFERENT, by_number) == (0, 1, 2)
    assert first_visible(DIFFERENT, {**by_number, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}) == 1
    assert first_visible(DIFFERENT, {"CUDA_VISIBLE_DEVICES": "GPU-77"}) == 2
    assert first_visible(DIFFERENT[:1], {}) == first_visible(ALIKE, {}) == 0
    assert first_visible([], {}) is None


class Odd(ModuleType):
    """A driver's library with one GPU, of which each function in `wrong` does something else."""

    def __init__(self, **wrong: Callable[..., Any]) -> None:
        super().__init__("pynvml")
        right: dict[str, Callable[..., Any]] = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlDeviceGetCount": lambda: 1,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda handle: "A GPU",
        }
        vars(self).update({**right, **wrong})


def fail(*arguments: Any) -> Any:
    raise RuntimeError("not supported")


def second(index: int) -> int:
    """The second of two GPUs, of which the first is lost."""
    return index or fail()


ODD_DRIVERS: dict[str, tuple[Odd | None, str | None]] = {
    "cannot be imported": (None, None),
    "lacks most functions": (Odd(), "A GPU"),
    "cannot be loaded": (Odd(nvmlInit=fail), None),
    "cannot be left": (Odd(nvmlShutdown=fail), "A GPU"),
    "does not count": (Odd(nvmlDeviceGetCount=fail), None),
    "counts none": (Odd(nvmlDeviceGetCount=lambda: 0), None),
    "loses its GPU": (Odd(nvmlDeviceGetHandleByIndex=fail), None),
    "loses one of two": (
        Odd(nvmlDeviceGetCount=lambda: 2, nvmlDeviceGetHandleByIndex=second),
        "A GPU",
    ),
    "tells no name": (Odd(nvmlDeviceGetName=fail), NAMELESS_GPU),
    "tells bytes that are no text": (Odd(nvmlDeviceGetName=lambda handle: b"A\xff"), "A\ufffd"),
    "tells no memory": (Odd(nvmlDeviceGetMemoryInfo=fail), "A GPU"),
    "tells memory that is none": (Odd(nvmlDeviceGetMemoryInfo=lambda handle: None), "A GPU"),
    "tells an odd version": (Odd(nvmlSystemGetCudaDriverVersion_v2=lambda: "?"), "A GPU"),
    "tells odd processes": (Odd(nvmlDeviceGetComputeRunningProcesses=lambda handle: 3), "A GPU"),
    "tells odd watts": (Odd(nvmlDeviceGetPowerUsage=lambda handle: "N/A"), "A GPU"),
}


@pytest.mark.parametrize("kind", ODD_DRIVERS)
def test_a_run_goes_on_whatever_the_driver_tells(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, name = ODD_DRIVERS[kind]
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    listed = machine.describe()["gpus"]
    assert [gpu["name"] or NAMELESS_GPU for gpu in listed] == ([name] if name else [])
    assert devices_of(["auto"]) == (["cpu", "cuda"] if name else ["cpu"])
    with gpu_state.watched() as watch:
        # Which of two CUDA takes is not sure where one is lost.
        assert (watch is not None) == (name is not None and kind != "loses one of two")
        if watch:
            watch.sample([1])
            use = watch.use()
            assert (use.name or NAMELESS_GPU, use.uuid, use.driver) == (name, None, None)


@pytest.mark.parametrize("devices", ["", "-1", "NoDevFiles", "7"])
def test_a_hidden_gpu_is_not_watched_and_not_chosen(
    devices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Odd())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    assert devices_of(["auto"]) == ["cpu"]
    with gpu_state.watched() as watch:
        assert watch is None


def test_a_driver_that_answers_no_more_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def hang(handle: int) -> None:
        asked.append(handle)
        time.sleep(5)

    monkeypatch.setattr(gpu_state, "PATIENCE", 0.3)
    monkeypatch.setitem(sys.modules, "pynvml", Odd(nvmlDeviceGetPowerUsage=hang))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with gpu_state.watched() as watch:
        assert watch
        watch.sample([1])
        watch.sample([1])
        assert watch.use().samples == ()
    assert asked == [0]


def test_a_driver_that_never_loads_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_state, "PATIENCE", 0.1)
    monkeypatch.setitem(sys.modules, "pynvml", Odd(nvmlInit=lambda: time.sleep(5)))
    assert gpu_state.find() == []


def test_a_worker_has_no_energy_from_a_library_that_is_none() -> None:
    assert gpu_energy.energy_counter(object()) is None


def test_a_package_that_tells_nothing_leaves_no_energy(tmp_path: Path) -> None:
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0\n", encoding="ascii")
    (tmp_path / "intel-rapl:0:0").mkdir()
    assert list(clock.package_counters(tmp_path)) == [zone / "energy_uj"]
    (tmp_path / "intel-rapl:1").symlink_to("../../devices/gone")
    assert told(lambda: list(clock.package_counters(tmp_path))) is None
    assert list(clock.package_counters(tmp_path / "missing")) == []


def test_a_machine_that_tells_nothing_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    machine._cpu.cache_clear()
    with monkeypatch.context() as silenced:
        for owner, name in (
            (psutil, "cpu_count"),
            (psutil, "virtual_memory"),
            (os, "getloadavg"),
            (os, "sched_getaffinity"),
            (Path, "read_text"),
            (subprocess, "Popen"),
        ):
            silenced.setattr(owner, name, fail)
        described = machine.describe()
    machine._cpu.cache_clear()
    unknown = ("cores_physical", "cores_logical", "memory_bytes", "governor", "load_before")
    assert [described[name] for name in unknown] == [None] * len(unknown)
    assert described["cores_usable"] == os.cpu_count()
    run = run_of([some_record()])
    run.info["machine"] = {**described, "cpu": None, "gpus": [{"name": None}]}
    text = machine_text(Results.of(run))
    assert "processor not told" in text and "not told memory" in text and NAMELESS_GPU in text


# /sys is empty but for a link that leads nowhere, and /proc tells nothing of the processor.
HIDDEN = """
mount -t tmpfs none /sys && mkdir -p /sys/class/powercap
ln -s ../../devices/virtual/gone /sys/class/powercap/intel-rapl:0
for file in cpuinfo stat loadavg meminfo self/cgroup; do mount --bind /dev/null /proc/$file; done
exec "$@"
"""


@pytest.mark.frameworks  # starts workers of the reference
def test_a_run_needs_neither_sys_nor_what_proc_tells_of_the_processor(tmp_path: Path) -> None:
    apart = ["unshare", "--mount", "sh", "-c"]
    try:
        subprocess.run([*apart, HIDDEN, "sh", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("hiding /sys needs a private mount namespace, which this user may not make")
    code = """
import sys
from bench.cli.app import main
for words in sys.argv[1:]:
    sys.argv = ["framebench", *words.split()]
    try:
        main()
    except SystemExit as error:
        print("exit", error.code)
"""
    tiny = "--epochs 1 --train-examples 640 --test-examples 500 --repeats 1 --warmup 0.1"
    run = f"run -f reference -t mnist-softmax {tiny} --name r"
    done = subprocess.run(
        [*apart, HIDDEN, "sh", sys.executable, "-c", code, "--version", "list", run, "report r"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("exit 0") == 4, done.stdout + done.stderr
