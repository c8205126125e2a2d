"""Waiting until others leave the processor alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.core.listener import Listener
from bench.health.load_checks import other_load
from bench.health.load_sample import LoadSample, LoadSampler
from bench.worker import cores

# Seconds over which the load is taken, and how many such spans in a row must be quiet.
SPAN = 2.0
QUIET_SPANS = 3


def wait(
    seconds: float,
    threads: int,
    listener: Listener,
    *,
    sample: Callable[[], LoadSample] = lambda: LoadSampler(SPAN).finish(),
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait for at most so long until others use no more than they may; whether they do.

    True at once where the system does not tell. The listener hears who keeps the machine busy.
    """
    begun, quiet = clock(), 0
    while True:
        load = other_load(sample(), cores=cores.count().physical, threads=threads)
        quiet = quiet + 1 if load is None or load.verdict() == "good" else 0
        if load is None or quiet >= QUIET_SPANS:
            listener.finished("machine", "quiet")
            return True
        if clock() - begun >= seconds:
            listener.finished("machine", f"still busy: others use {load}")
            return False
        if not quiet:
            listener.phase("machine", f"waiting for quiet: others use {load}")
