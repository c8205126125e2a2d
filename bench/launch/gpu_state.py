"""NVIDIA GPUs as their driver reports them: which there are, and the state of one in a job.

The driver may be missing, old, broken or stuck, and a GPU may not tell what others do. None of that
ends anything: what is not told is None.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from bench.core.record import GpuSample, GpuUse
from bench.core.telemetry import told
from bench.worker.visible_gpu import InstalledGpu, candidates, first_visible

# Bits of the driver's answer why a clock is below its maximum: NVML's nvmlClocksEventReasons.
SLOWDOWNS = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "heat",
    0x40: "heat (hardware)",
    0x80: "power brake",
}
# NVML's numbers of what is asked for: nvmlClockType and nvmlTemperatureSensors.
SM_CLOCK, MEMORY_CLOCK, TEMPERATURE_OF_GPU = 1, 2, 0
# Seconds after which a driver is taken to be stuck. A GPU that sleeps takes one or two to wake up.
PATIENCE = 10.0


@contextmanager
def driver() -> Iterator[Any | None]:
    """The driver's library, which can be queried in the body of the `with`; None without one."""
    library = told(_loaded, seconds=PATIENCE)
    try:
        yield library
    finally:
        if library:
            told(library.nvmlShutdown, seconds=PATIENCE)


def _loaded() -> Any:
    import pynvml  # here, as only those who ask for a GPU depend on it

    pynvml.nvmlInit()
    return pynvml


def _cuda(library: Any) -> str:
    """The newest CUDA version that the driver supports, such as 13.0."""
    version = library.nvmlSystemGetCudaDriverVersion_v2()
    return f"{version // 1000}.{version % 1000 // 10}"


def handles_of(library: Any) -> list[Any | None]:
    """All GPUs in the driver's order; None for one that is lost, which keeps its number."""
    by_index = library.nvmlDeviceGetHandleByIndex
    numbers = range(library.nvmlDeviceGetCount())
    return [told(lambda index=index: by_index(index)) for index in numbers]  # type: ignore[misc]


def text(library: Any, function: str, *arguments: Any) -> str | None:
    """A name that the driver tells, which some versions give as bytes; None if it tells none."""
    value = told(lambda: getattr(library, function)(*arguments))
    return value.decode(errors="replace") if isinstance(value, bytes) else value and str(value)


def _installed(library: Any, handles: Collection[Any]) -> list[InstalledGpu]:
    return [
        InstalledGpu(
            uuid=text(library, "nvmlDeviceGetUUID", handle),
            name=text(library, "nvmlDeviceGetName", handle),
        )
        if handle is not None
        else InstalledGpu(uuid=None, name=None)
        for handle in handles
    ]


def find() -> list[dict[str, str | None]]:
    """Name, memory in bytes, driver and CUDA version of every NVIDIA GPU; empty without a GPU."""
    with driver() as library:
        return (library and told(lambda: _described(library), seconds=PATIENCE)) or []


def _described(library: Any) -> list[dict[str, str | None]]:
    driver, cuda = text(library, "nvmlSystemGetDriverVersion"), told(lambda: _cuda(library))

    def one(handle: Any) -> dict[str, str | None]:
        return {
            "name": text(library, "nvmlDeviceGetName", handle),
            "memory_bytes": told(lambda: str(library.nvmlDeviceGetMemoryInfo(handle).total)),
            "driver": driver,
            "cuda": cuda,
        }

    return [one(handle) for handle in handles_of(library) if handle is not None]


def usable() -> bool:
    """Whether there is an NVIDIA GPU that CUDA_VISIBLE_DEVICES does not hide."""
    with driver() as library:

        def shown() -> bool:
            handles = handles_of(library)
            found = candidates(_installed(library, handles), os.environ)
            return any(isinstance(gpu, str) or handles[gpu] is not None for gpu in found)

        return bool(library and told(shown, seconds=PATIENCE))


def _first(library: Any) -> Any:
    """The GPU that CUDA shows first. Raises LookupError if none, or it is not sure which one."""
    handles = handles_of(library)
    first = first_visible(_installed(library, handles), os.environ)
    if isinstance(first, str):
        return library.nvmlDeviceGetHandleByUUID(first)
    handle = None if first is None else handles[first]
    if handle is None:
        raise LookupError("which GPU the worker will use is not known")
    return handle


def free_bytes() -> int | None:
    """Free memory of the GPU that workers use; None where it is not known."""
    with driver() as library:
        return told(lambda: _free(library), seconds=PATIENCE) if library else None


def _free(library: Any) -> int:
    return int(library.nvmlDeviceGetMemoryInfo(_first(library)).free)


def slowdowns(reasons: int | None) -> tuple[str, ...]:
    """The driver's reasons for a clock below its maximum, in words."""
    return tuple(name for bit, name in SLOWDOWNS.items() if bit & (reasons or 0))


class Watch:
    """Samples the GPU that a worker uses. Create it before the worker starts.

    That GPU is the first that CUDA shows, as it is for the frameworks in the worker. Raises
    LookupError if there is none, or if it is not sure which one it is.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self._handle = _first(library)
        self._samples: list[GpuSample] = []
        self._before = self._used_bytes()
        # No worker of this run has started, so every process on the GPU is somebody else's.
        self._others = {pid: described_process(pid) for pid in self._processes()}
        self._stuck = False

    def _ask(self, function: str, *arguments: Any) -> Any:
        """The driver's answer about this GPU. Raises whatever it raises where it does not tell."""
        return getattr(self._library, function)(self._handle, *arguments)

    def _number(self, function: str, *arguments: int) -> int | None:
        """The number that the driver answers about this GPU; None where it does not tell."""
        return told(lambda: int(self._ask(function, *arguments)))

    def _used_bytes(self) -> int | None:
        return told(lambda: int(self._ask("nvmlDeviceGetMemoryInfo").used))

    def _processes(self) -> list[int]:
        def running(query: str) -> list[int]:
            return told(lambda: [int(process.pid) for process in self._ask(query)]) or []

        computing = running("nvmlDeviceGetComputeRunningProcesses")
        return [*computing, *running("nvmlDeviceGetGraphicsRunningProcesses")]

    def sample(self, sessions: Collection[int]) -> None:
        """Take a sample. Processes outside the workers' `sessions` are recorded as others.

        A process that is invisible here, as a host's are in a container, may well be the worker
        and is not recorded. A driver that does not answer in time is not asked again.
        """
        if not self._stuck:
            self._stuck = not told(lambda: self._taken(sessions), seconds=PATIENCE)

    def _taken(self, sessions: Collection[int]) -> bool:
        """Take a sample, and return true."""
        milliwatts = self._number("nvmlDeviceGetPowerUsage")
        self._samples.append(
            GpuSample(
                clock_mhz=self._number("nvmlDeviceGetClockInfo", SM_CLOCK),
                memory_clock_mhz=self._number("nvmlDeviceGetClockInfo", MEMORY_CLOCK),
                watts=milliwatts and milliwatts / 1e3,
                celsius=self._number("nvmlDeviceGetTemperature", TEMPERATURE_OF_GPU),
                used_bytes=self._used_bytes(),
                slowdowns=slowdowns(self._number("nvmlDeviceGetCurrentClocksEventReasons")),
            )
        )
        for pid in self._processes():
            if pid not in self._others and _session(pid) not in (None, *sessions):
                self._others[pid] = described_process(pid)
        return True

    def use(self) -> GpuUse:
        """All samples, with the GPU's identity."""
        library = self._library
        name, uuid, driver, cuda = told(
            lambda: (
                text(library, "nvmlDeviceGetName", self._handle),
                text(library, "nvmlDeviceGetUUID", self._handle),
                text(library, "nvmlSystemGetDriverVersion"),
                told(lambda: _cuda(library)),
            ),
            seconds=PATIENCE,
        ) or (None, None, None, None)
        return GpuUse(
            name=name,
            uuid=uuid,
            driver=driver,
            cuda=cuda,
            used_before_bytes=self._before,
            samples=tuple(self._samples),
            others=tuple(self._others.values()),
        )


@contextmanager
def watched() -> Iterator[Watch | None]:
    """A watch on the GPU that the next worker uses; None where that is not known."""
    with driver() as library:
        yield told(lambda: Watch(library), seconds=PATIENCE) if library else None


def _session(pid: int) -> int | None:
    """The POSIX session of a process; None if it is gone or invisible."""
    return told(lambda: os.getsid(pid))


def described_process(pid: int) -> str:
    """A process's name and number."""
    name = told(lambda: psutil.Process(pid).name())
    return f"{name} (process {pid})" if name else f"a process that is not visible here ({pid})"
