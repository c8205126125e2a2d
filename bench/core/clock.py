"""Timed windows between two fences: the only place that reads a clock for a result."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What passed between two fences.

    `wall` and `cpu` in seconds, `cpu` over all threads of this process; `involuntary` counts the
    context switches that another process forced on it. Where the system tells, and else None:
    `others` are the CPU seconds of all other processes on the machine, `stolen` those that its host
    gave to somebody else, both counted in ticks of a hundredth of a second; `joules` is the energy
    that the processor packages took.
    """

    wall: float
    cpu: float
    involuntary: int
    others: float | None
    stolen: float | None
    joules: float | None


def _machine_seconds() -> tuple[float, float] | None:
    """CPU seconds since boot that all processes used, and that were stolen, by /proc/stat."""
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            # user nice system idle iowait irq softirq steal
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, steal / tick


# One counter a processor package, in microjoules (Linux's powercap: RAPL on Intel and AMD). Most
# systems let nobody but root read it.
_ENERGY = tuple(Path("/sys/class/powercap").glob("intel-rapl:[0-9]/energy_uj"))


def _joules() -> float | None:
    try:
        return sum(int(file.read_text(encoding="ascii")) for file in _ENERGY) / 1e6 or None
    except OSError:
        return None


def _passed(before: float | None, after: float | None) -> float | None:
    """A counter's difference. A counter that began anew in between tells nothing."""
    if before is None or after is None or after < before:
        return None
    return after - before


class Stopwatch:
    """Started after a fence, read after the next. The wall clock starts last and stops first."""

    def __init__(self) -> None:
        self._joules = _joules()
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
            # Less than nothing is a tick that came late.
            others = max(0.0, machine[0] - self._machine[0] - cpu)
            stolen = machine[1] - self._machine[1]
        return Timed(
            wall=wall,
            cpu=cpu,
            involuntary=usage.ru_nivcsw - self._involuntary,
            others=others,
            stolen=stolen,
            joules=_passed(self._joules, _joules()),
        )


def timed(work: Callable[[], None], fence: Callable[[], None]) -> Timed:
    """Run `work` between two fences and say what it took."""
    fence()
    watch = Stopwatch()
    work()
    fence()
    return watch.read()


def usable_cores() -> int | None:
    """Logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def peak_resident_bytes() -> int:
    """The most memory that this process has held, in bytes.

    Linux's own high-water mark where it can be read: unlike `ru_maxrss` it does not start at what
    the parent held when it forked.
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
