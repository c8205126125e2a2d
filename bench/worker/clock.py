"""Timed windows between two fences: the only place that reads a clock for a result.

This module is imported before an adapter is, and binds the functions with which it reads clocks:
what an adapter does to the module `time` changes nothing here.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time

from bench.core.measurement import Spent
from bench.core.telemetry import told
from bench.worker import cores, gpu_energy

# The clock itself, for what needs no fence.
seconds = perf_counter

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The time, CPU use and energy between two fences.

    `wall` and `cpu` are in seconds, `cpu` over all threads of this process. `involuntary` counts
    the context switches that other processes forced on it. The rest is None where the system does
    not report it: `others` are the CPU seconds of all other processes on the cores that this one
    may run on, `stolen` those that the machine's host gave to other guests, both counted in ticks
    of a hundredth of a second. `joules` is the energy of the processor packages, `device_joules`
    that of the GPU (see `watch_gpu`). `fence` is the time that the first fence took, before the
    clock started.
    """

    wall: float
    cpu: float
    involuntary: int
    others: float | None
    stolen: float | None
    joules: float | None
    device_joules: float | None
    fence: float = 0.0


def machine_seconds() -> tuple[float, float] | None:
    """CPU seconds since boot on this process's cores: used by all processes, and stolen."""
    return told(lambda: _counted({f"cpu{core}" for core in cores.affinity()}))


def _counted(names: set[str]) -> tuple[float, float]:
    """CPU seconds used and stolen on the cores of these names."""
    busy = stolen = 0
    with Path("/proc/stat").open(encoding="ascii") as file:
        for line in file:
            name, *counts = line.split()
            if not name.startswith("cpu"):
                break
            if name in names:
                user, nice, system, _, _, irq, softirq, steal = map(int, counts[:8])
                busy += user + nice + system + irq + softirq
                stolen += steal
    return busy / _TICKS_A_SECOND, stolen / _TICKS_A_SECOND


@cache
def _energy_counters() -> tuple[Path, ...]:
    """A file for each processor package, in microjoules (Linux's powercap: RAPL, Intel and AMD).

    Most systems let only root read them. A zone of another name would count packages twice. If the
    name of any zone cannot be read, as where a container hides what the zones link to, there are
    none: the energy of some of the packages would pass for that of all.
    """
    return told(lambda: tuple(package_counters(Path("/sys/class/powercap")))) or ()


def package_counters(folder: Path) -> Iterator[Path]:
    """A file for each package in the folder, as above. Raises OSError if a name is hidden."""
    for zone in folder.glob("intel-rapl:[0-9]*"):
        whole = zone.name.count(":") == 1  # and not a part of a package
        if whole and (zone / "name").read_text(encoding="ascii").startswith("package"):
            yield zone / "energy_uj"


def _joules() -> float | None:
    return (
        told(
            lambda: sum(int(file.read_text(encoding="ascii")) for file in _energy_counters()) / 1e6
        )
        or None
    )


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
    return told(_gpu[0]) if _gpu else None


class Stopwatch:
    """Starts when it is created, after a fence. The wall clock starts last and stops first."""

    def __init__(self) -> None:
        self._joules = _joules()
        self._device_joules = _device_joules()
        self._machine = machine_seconds()
        self._involuntary = getrusage(RUSAGE_SELF).ru_nivcsw
        self._cpu = process_time()
        self._wall = seconds()

    def read(self, *, fence: float = 0.0) -> Timed:
        """What has passed since; `fence` is passed on."""
        wall = seconds() - self._wall
        cpu = process_time() - self._cpu
        usage = getrusage(RUSAGE_SELF)
        others = stolen = None
        if self._machine and (machine := machine_seconds()):
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
            fence=fence,
        )


def timed(work: Callable[[], None], fence: Callable[[], None]) -> Timed:
    """Run `work` between two fences and measure it."""
    begun = seconds()
    fence()
    waited = seconds() - begun
    watch = Stopwatch()
    work()
    fence()
    return watch.read(fence=waited)


class Account:
    """Seconds by what they were spent on: all that no other field of a measurement has."""

    def __init__(self) -> None:
        self.by_purpose: defaultdict[Spent, float] = defaultdict(float)

    @contextmanager
    def spent(self, purpose: Spent) -> Iterator[None]:
        """Count the time of the `with` block as spent on `purpose`."""
        begun = seconds()
        try:
            yield
        finally:
            self.by_purpose[purpose] += seconds() - begun


def peak_resident_bytes() -> int:
    """The most memory that this process has held, in bytes.

    From Linux's own high-water mark, where it can be read: unlike `ru_maxrss` it does not start at
    the parent's size at the fork.
    """
    if mark := told(_high_water_mark):
        return mark
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def _high_water_mark() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
