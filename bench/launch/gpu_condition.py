"""The condition of every NVIDIA GPU before a run: who uses it, and what holds it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.core.telemetry import told
from bench.launch import gpu_state

# NVML's number of what is on.
_ENABLED = 1


@dataclass(frozen=True, kw_only=True)
class GpuCondition:
    """A GPU's name, memory, processes, clocks and settings. What it does not tell is None.

    `persistence` is whether its driver stays loaded without a user, `mig` whether it is divided
    into parts, and `slowdowns` the reasons for a clock below its maximum.
    """

    name: str | None
    memory_bytes: int | None
    driver: str | None
    processes: tuple[str, ...] | None
    clock_mhz: int | None
    most_mhz: int | None
    slowdowns: tuple[str, ...]
    persistence: bool | None
    mig: bool | None


def conditions() -> list[GpuCondition]:
    """The condition of each GPU, in the driver's order; empty without a GPU or a driver."""
    with gpu_state.driver() as library:
        return (library and told(lambda: _all(library), seconds=gpu_state.PATIENCE)) or []


def _all(library: Any) -> list[GpuCondition]:
    return [_one(library, handle) for handle in gpu_state.handles_of(library) if handle is not None]


def _one(library: Any, handle: Any) -> GpuCondition:
    def ask(function: str, *arguments: int) -> int | None:
        return told(lambda: int(getattr(library, function)(handle, *arguments)))

    persistence = ask("nvmlDeviceGetPersistenceMode")
    mig = told(lambda: int(library.nvmlDeviceGetMigMode(handle)[0]))
    return GpuCondition(
        name=gpu_state.text(library, "nvmlDeviceGetName", handle),
        memory_bytes=told(lambda: int(library.nvmlDeviceGetMemoryInfo(handle).total)),
        driver=gpu_state.text(library, "nvmlSystemGetDriverVersion"),
        processes=told(
            lambda: tuple(
                gpu_state.described_process(process.pid)
                for process in library.nvmlDeviceGetComputeRunningProcesses(handle)
            )
        ),
        clock_mhz=ask("nvmlDeviceGetClockInfo", gpu_state.SM_CLOCK),
        most_mhz=ask("nvmlDeviceGetMaxClockInfo", gpu_state.SM_CLOCK),
        slowdowns=gpu_state.slowdowns(ask("nvmlDeviceGetCurrentClocksEventReasons")),
        persistence=None if persistence is None else persistence == _ENABLED,
        mig=None if mig is None else mig == _ENABLED,
    )
