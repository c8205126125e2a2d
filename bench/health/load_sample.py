"""What other processes, and the machine's host, take of the processor in a second."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.core.telemetry import told
from bench.worker.clock import machine_seconds

# The most programs that are named.
NAMED = 3
# A program that uses less of a core than this is not named.
LEAST = 0.02


@dataclass(frozen=True, kw_only=True)
class LoadSample:
    """The load of others in cores, that is, CPU seconds a second, on average over `seconds`.

    `others` are all other processes, on the cores that this one may run on; `makers` those that
    used most, by name and on any core. `stolen` is what the host gave to other guests. None where
    the system does not count.
    """

    seconds: float
    others: float | None
    stolen: float | None
    makers: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """Counters at a moment: of the machine's cores, of this process, and of each other process."""

    clock: float
    machine: tuple[float, float] | None
    own: float
    processes: Mapping[tuple[int, float], tuple[str, float]]

    @staticmethod
    def now() -> _Moment:
        return _Moment(
            processes=told(_processes) or {},
            machine=machine_seconds(),
            own=sum(os.times()[:4]),
            clock=time.perf_counter(),
        )


def _processes() -> dict[tuple[int, float], tuple[str, float]]:
    """Name and CPU seconds of every process but this one and its children."""
    family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    found = {}
    for process in psutil.process_iter():
        if process.pid not in family:
            with suppress(psutil.Error), process.oneshot():  # it may have ended, or be hidden
                times = process.cpu_times()
                identity = (process.pid, process.create_time())
                found[identity] = (process.name(), times.user + times.system)
    return found


class LoadSampler:
    """Watches the load from when it is created, for at least so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before = _Moment.now()

    def finish(self) -> LoadSample:
        """The load since the sampler was created. Sleeps for what is left of its time."""
        before = self._before
        time.sleep(max(0.0, before.clock + self._seconds - time.perf_counter()))
        after = _Moment.now()
        seconds = after.clock - before.clock
        others = stolen = None
        if before.machine and after.machine:
            used = after.machine[0] - before.machine[0] - (after.own - before.own)
            others = max(0.0, used) / seconds  # below zero if a tick came late
            stolen = (after.machine[1] - before.machine[1]) / seconds
        makers: Counter[str] = Counter()
        for identity, (name, spent) in after.processes.items():
            _, already = before.processes.get(identity, ("", 0.0))
            makers[name] += (spent - already) / seconds  # type: ignore[assignment]
        most = {name: cores for name, cores in makers.most_common(NAMED) if cores >= LEAST}
        return LoadSample(seconds=seconds, others=others, stolen=stolen, makers=most)
