"""Contention, from windows with a known load of other processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import contention, processes
from bench.core.measurement import Window, Windows
from bench.core.record import Record
from bench.worker import clock, gpu_energy
from tests.test_core import some_record

QUIET = Window(
    epoch=0, steps=5, wall=0.1, cpu=0.2, involuntary=0, loss=1.0, others=0.01, stolen=0.0
)
BUSY = QUIET._replace(others=0.1, wall=0.5)
STOLEN = QUIET._replace(stolen=0.05)
UNRECORDED = QUIET._replace(others=None, stolen=None)


def record(*windows: Window, threads: int = 2, block: int = 0) -> Record:
    base = some_record()
    assert base.measurement
    cell = base.job.cell.with_setting(threads=threads)
    return replace(
        base,
        job=replace(base.job, cell=cell, block=block),
        measurement=replace(base.measurement, windows=Windows.of(windows), cores=2),
    )


@pytest.mark.parametrize(
    ("window", "threads", "expected"),
    [
        (QUIET, 2, False),
        (BUSY, 2, True),
        (BUSY, 1, False),
        (STOLEN, 2, True),
        (UNRECORDED, 2, False),
    ],
)
def test_which_windows_are_contended(window: Window, threads: int, expected: bool) -> None:
    assert contention.contended(record(window, threads=threads)) == [expected]


def test_contended_windows_are_left_out_of_the_throughput() -> None:
    pace = 5 * 64 / 0.1
    mixed, busy = record(QUIET, BUSY, BUSY, QUIET), record(BUSY)
    assert processes.throughput(mixed, contention.contended(mixed)) == pytest.approx(pace)
    # where no window is clean, all count
    assert processes.throughput(busy, contention.contended(busy)) == pytest.approx(pace / 5)


def test_a_block_is_disturbed_when_most_of_a_process_is() -> None:
    records = [record(QUIET, QUIET, BUSY, block=0), record(BUSY, BUSY, QUIET, block=1)]
    assert contention.disturbed_blocks(records) == {1}
    text = str(contention.Cleanness.of(records))
    assert text == "50.0% of 6 windows were contended, and 1 of 2 processes in most of theirs"
    assert "not known" in str(contention.Cleanness.of([record(UNRECORDED)]))


def test_a_failed_process_does_not_disturb() -> None:
    failed = replace(some_record(), status="crashed", measurement=None)
    assert contention.disturbed_blocks([failed]) == set()


class Driver:
    """NVML's C functions: they return a code, and write values to pointers."""

    def __init__(self, *millijoules: int, supported: bool = True) -> None:
        self.asked: list[int] = []
        self._left = list(millijoules)
        self._supported = supported

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 3
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:  # noqa: N802
        device._obj.value = 100 + index
        return 0

    def nvmlDeviceGetUUID(self, device: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        buffer.value = f"GPU-{device.value}".encode()
        return 0

    def nvmlDeviceGetName(self, device: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        buffer.value = b"A GPU"
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, device: Any) -> int:  # noqa: N802
        device._obj.value = 200
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, device: Any, pointer: Any) -> int:  # noqa: N802
        self.asked.append(device.value)
        if not self._supported:
            return 3  # NVML_ERROR_NOT_SUPPORTED
        pointer._obj.value = self._left.pop(0)
        return 0


@pytest.mark.parametrize(
    ("chosen", "asked"), [("0", 100), ("2,3", 102), ("GPU-101,GPU-1", 101), ("MIG-7", 200)]
)
def test_the_energy_of_the_chosen_gpu_is_counted(
    chosen: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    driver = Driver(1000, 2500, 4000)
    counter = gpu_energy.energy_counter(driver)
    assert counter and (counter(), counter()) == (2.5, 4.0)
    assert set(driver.asked) == {asked}


def test_a_gpu_without_an_energy_counter_has_no_energy() -> None:
    assert gpu_energy.energy_counter(Driver(supported=False)) is None


def test_the_clock_records_the_load_of_other_processes() -> None:
    window = clock.timed(lambda: None, lambda: None)
    assert window.wall >= 0 and window.cpu >= 0
    if window.others is not None:
        assert window.others >= 0 and window.stolen is not None
