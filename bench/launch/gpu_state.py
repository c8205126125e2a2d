"""NVIDIA GPUs as their driver reports them: which there are, and the state of one in a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pynvml

from bench.core.record import GpuSample, GpuUse
from bench.worker import gpu_energy

# Reasons that the driver gives for a clock below its maximum.
SLOWDOWNS = {
    pynvml.nvmlClocksEventReasonSwPowerCap: "power cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "heat",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "heat (hardware)",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power brake",
}


@contextmanager
def _driver() -> Iterator[bool]:
    """Whether NVIDIA's driver is loaded; it can be queried in the body of the `with`."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def _query(function: Callable[..., Any], *arguments: Any) -> Any | None:
    """The driver's answer; None where this GPU does not support the query."""
    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def _cuda() -> str:
    """The newest CUDA version that the driver supports, such as 13.0."""
    version = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    return f"{version // 1000}.{version % 1000 // 10}"


def find() -> list[dict[str, str]]:
    """Name, memory in bytes, driver and CUDA version of every NVIDIA GPU; empty without a GPU."""
    with _driver() as loaded:
        if not loaded:
            return []
        driver, cuda = str(pynvml.nvmlSystemGetDriverVersion()), _cuda()
        gpus = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle).total
            name = str(pynvml.nvmlDeviceGetName(handle))
            gpus.append({"name": name, "memory_bytes": str(memory), "driver": driver, "cuda": cuda})
        return gpus


class Watch:
    """Samples the GPU that a worker uses. Create it before the worker starts.

    That GPU is the first of CUDA_VISIBLE_DEVICES, as it is for the frameworks in the worker.
    """

    def __init__(self) -> None:
        device = gpu_energy.first_visible(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        if isinstance(device, int):
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(device)
        else:
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(device)
        self._samples: list[GpuSample] = []
        self._before = self._used_bytes()
        # No worker of this run has started, so every process on the GPU is somebody else's.
        self._others = {pid: _describe(pid) for pid in self._processes()}

    def _used_bytes(self) -> int | None:
        memory = _query(pynvml.nvmlDeviceGetMemoryInfo, self._handle)
        return memory and int(memory.used)

    def _processes(self) -> list[int]:
        queries = (
            pynvml.nvmlDeviceGetComputeRunningProcesses,
            pynvml.nvmlDeviceGetGraphicsRunningProcesses,
        )
        return [process.pid for query in queries for process in _query(query, self._handle) or ()]

    def sample(self, sessions: Collection[int]) -> None:
        """Take a sample. Processes outside the workers' `sessions` are recorded as others.

        A process that is invisible here, as a host's are in a container, may well be the worker
        and is not recorded.
        """
        ask, handle = _query, self._handle
        watts = ask(pynvml.nvmlDeviceGetPowerUsage, handle)
        self._samples.append(
            GpuSample(
                clock_mhz=ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM),
                memory_clock_mhz=ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_MEM),
                watts=watts and watts / 1e3,
                celsius=ask(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
                used_bytes=self._used_bytes(),
                slowdowns=tuple(
                    name
                    for bit, name in SLOWDOWNS.items()
                    if bit & (ask(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle) or 0)
                ),
            )
        )
        for pid in self._processes():
            if pid not in self._others and _session(pid) not in (None, *sessions):
                self._others[pid] = _describe(pid)

    def use(self) -> GpuUse:
        """All samples, with the GPU's identity."""
        return GpuUse(
            name=str(pynvml.nvmlDeviceGetName(self._handle)),
            uuid=str(pynvml.nvmlDeviceGetUUID(self._handle)),
            driver=str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=_cuda(),
            used_before_bytes=self._before,
            samples=tuple(self._samples),
            others=tuple(self._others.values()),
        )


@contextmanager
def watched() -> Iterator[Watch | None]:
    """A watch on the GPU that the next worker uses; None without a driver."""
    with _driver() as loaded:
        yield Watch() if loaded else None


def _session(pid: int) -> int | None:
    """The POSIX session of a process; None if it is gone or invisible."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _describe(pid: int) -> str:
    """A process's name and number."""
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"a process that is not visible here ({pid})"
