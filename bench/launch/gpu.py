"""NVIDIA's GPUs as their driver tells of them: which there are, and what one is at in a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pynvml

from bench.core.record import GpuSample, GpuUse
from bench.worker import nvml

# As the driver names what keeps a clock below what it could be.
SLOWDOWNS = {
    pynvml.nvmlClocksEventReasonSwPowerCap: "power cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "heat",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "heat (hardware)",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power brake",
}


@contextmanager
def _driver() -> Iterator[bool]:
    """Whether there is a driver to be asked."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def _told(ask: Callable[..., Any], *arguments: Any) -> Any | None:
    """What the driver answers; None where this GPU does not tell."""
    try:
        return ask(*arguments)
    except pynvml.NVMLError:
        return None


def _cuda() -> str:
    """The newest CUDA that the driver runs, such as 13.0."""
    version = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    return f"{version // 1000}.{version % 1000 // 10}"


def find() -> list[dict[str, str]]:
    """Every NVIDIA GPU's name, memory, driver and CUDA; empty where there is none."""
    with _driver() as there:
        if not there:
            return []
        driver, cuda = str(pynvml.nvmlSystemGetDriverVersion()), _cuda()
        found = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle).total
            name = str(pynvml.nvmlDeviceGetName(handle))
            found.append(
                {"name": name, "memory_bytes": str(memory), "driver": driver, "cuda": cuda}
            )
        return found


class Watch:
    """Follows the GPU that a worker will use, from before it is started.

    The same GPU as the worker's frameworks take: the first of CUDA_VISIBLE_DEVICES.
    """

    def __init__(self) -> None:
        chosen = nvml.first_visible(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        if isinstance(chosen, int):
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(chosen)
        else:
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(chosen)
        self._samples: list[GpuSample] = []
        self._before = self._used_bytes()
        # Nobody of ours is there yet.
        self._others = {pid: _who(pid) for pid in self._processes()}

    def _used_bytes(self) -> int | None:
        memory = _told(pynvml.nvmlDeviceGetMemoryInfo, self._handle)
        return memory and int(memory.used)

    def _processes(self) -> list[int]:
        asked = (
            pynvml.nvmlDeviceGetComputeRunningProcesses,
            pynvml.nvmlDeviceGetGraphicsRunningProcesses,
        )
        return [one.pid for ask in asked for one in _told(ask, self._handle) or ()]

    def sample(self, sessions: Collection[int]) -> None:
        """Look now. Processes that belong to other `sessions` than these are others'.

        One that cannot be seen, as a container hides those of its host, may well be the worker.
        """
        ask, handle = _told, self._handle
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
                self._others[pid] = _who(pid)

    def use(self) -> GpuUse:
        """What was seen."""
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
    """A watch on the GPU that the next worker takes; None where there is no driver."""
    with _driver() as there:
        yield Watch() if there else None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _who(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"a process that cannot be seen from here ({pid})"
