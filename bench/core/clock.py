"""Timed windows between two fences: the only place that reads a clock for a result."""

from __future__ import annotations

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
    context switches that another process forced on it.
    """

    wall: float
    cpu: float
    involuntary: int


class Stopwatch:
    """Started after a fence, read after the next one."""

    def __init__(self) -> None:
        self._involuntary = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def read(self) -> Timed:
        wall = time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Timed(wall=wall, cpu=cpu, involuntary=usage.ru_nivcsw - self._involuntary)


def timed(work: Callable[[], None], fence: Callable[[], None]) -> Timed:
    """Run `work` between two fences and say what it took."""
    fence()
    watch = Stopwatch()
    work()
    fence()
    return watch.read()


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
