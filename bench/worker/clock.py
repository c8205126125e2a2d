"""Timed windows between two fences: the only place that reads a clock for a result."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.worker import gpu_energy


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The time, CPU use and energy between two fences.

    `wall` and `cpu` are in seconds, `cpu` over all threads of this process. `involuntary` counts
    the context switches that other processes forced on it. The rest is None where the system does
    not report it: `others` are the CPU seconds of all other processes on the cores that this one
    may run on, `stolen` those that the machine's host gave to other guests, both counted in ticks
    of a hundredth of a second. `joules` is the energy of the processor packages, `device_joules`
    that of the GPU (see `watch_gpu`).
    """

    wall: float
    cpu: float
    involuntary: int
    others: float | None
    stolen: float | None
    joules: float | None
    device_joules: float | None


def _affinity() -> set[int]:
    """The logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _machine_seconds() -> tuple[float, float] | None:
    """CPU seconds since boot on this process's cores: used by all processes, and stolen."""
    cores = {f"cpu{core}" for core in _affinity()}
    busy = stolen = 0
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            for line in file:
                name, *counts = line.split()
                if not name.startswith("cpu"):
                    break
                if name in cores:
                    user, nice, system, _, _, irq, softirq, steal = map(int, counts[:8])
                    busy += user + nice + system + irq + softirq
                    stolen += steal
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return busy / tick, stolen / tick


def _energy_counters() -> tuple[Path, ...]:
    """A file for each processor package, in microjoules (Linux's powercap: RAPL, Intel and AMD).

    Most systems let only root read them. A zone of another name would count packages twice.
    """
    zones = Path("/sys/class/powercap").glob("intel-rapl:[0-9]")
    return tuple(
        zone / "energy_uj"
        for zone in zones
        if (zone / "name").read_text(encoding="ascii").startswith("package")
    )


_ENERGY = _energy_counters()


def _joules() -> float | None:
    try:
        return sum(int(file.read_text(encoding="ascii")) for file in _ENERGY) / 1e6 or None
    except OSError:
        return None


def _passed(before: float | None, after: float | None) -> float | None:
    """A counter's difference. None if the counter started again in between."""
    if before is None or after is None or after < before:
        return None
    return after - before


_gpu: list[Callable[[], float | None]] = []


def watch_gpu() -> None:
    """From now on, measure the GPU's energy too, if its driver reports it."""
    if not _gpu and (counter := gpu_energy.energy_counter()):
        _gpu.append(counter)


def _device_joules() -> float | None:
    return _gpu[0]() if _gpu else None


class Stopwatch:
    """Starts when it is created, after a fence. The wall clock starts last and stops first."""

    def __init__(self) -> None:
        self._joules = _joules()
        self._device_joules = _device_joules()
        self._machine = _machine_seconds()
        self._involuntary = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def read(self) -> Timed:
        wall = time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        usage = resource.getrusage(resource.RUSAGE_SELF)
        others = stolen = None
        if self._machine and (machine := _machine_seconds()):
            # Below zero if a tick came late.
            others = max(0.0, machine[0] - self._machine[0] - cpu)
            stolen = machine[1] - self._machine[1]
        return Timed(
            wall=wall,
            cpu=cpu,
            involuntary=usage.ru_nivcsw - self._involuntary,
            others=others,
            stolen=stolen,
            joules=_passed(self._joules, _joules()),
            device_joules=_passed(self._device_joules, _device_joules()),
        )


def timed(work: Callable[[], None], fence: Callable[[], None]) -> Timed:
    """Run `work` between two fences and measure it."""
    fence()
    watch = Stopwatch()
    work()
    fence()
    return watch.read()


def allowed_cores() -> int:
    """Physical cores that this process may run on; logical ones if the system reports only these.

    A container may be limited to fewer cores at a time: see `bench.launch.machine.usable_cores`.
    """
    siblings = set()
    for core in _affinity():
        topology = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        try:
            siblings.add(topology.read_text(encoding="ascii"))
        except OSError:
            siblings.add(str(core))
    return len(siblings)


def peak_resident_bytes() -> int:
    """The most memory that this process has held, in bytes.

    From Linux's own high-water mark, where it can be read: unlike `ru_maxrss` it does not start at
    the parent's size at the fork.
    """
    try:
        with Path("/proc/self/status").open(encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB
