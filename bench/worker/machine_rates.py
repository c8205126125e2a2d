"""The highest rates that a framework reaches on this machine: float32 matrix products, memory.

Both are measured with the framework's own operations, in the kind of process that it trains in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.core.adapter import Adapter
from bench.core.setting import Setting
from bench.worker import clock, cores

# Rows and columns of the square factors. The best size counts: large factors fill every core, small
# ones finish before another process interferes.
MATMUL_SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192)}
# Values of each vector: 128 MB and 512 MB, far beyond a last-level cache.
STREAM_SIZE = {"cpu": 2**25, "cuda": 2**27}
# The best of all windows counts, because other processes can only make a window slower. A window is
# long enough for the clock, but a single call if that is long enough.
WINDOWS = 3
WINDOW_SECONDS = 1e-3
SECONDS = 0.2
# Seconds after which a slow operation is not timed again.
PATIENCE = 1.0


@dataclass(frozen=True, kw_only=True)
class RatesJob:
    """Measure one framework in a setting."""

    framework: str
    setting: Setting

    def to_json(self) -> str:
        return json.dumps({"kind": "rates", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> RatesJob:
        return RatesJob(framework=fields["framework"], setting=Setting(**fields["setting"]))

    def __str__(self) -> str:
        return f"{self.framework} {self.setting.device} rates"


def best_seconds(operation: Callable[[], None]) -> float:
    """The fewest seconds per call of `operation`, over windows of several calls."""
    operation()  # the first call allocates, starts threads and chooses kernels

    def window(calls: int) -> float:
        def work() -> None:
            for _ in range(calls):
                operation()

        return clock.timed(work, _no_fence).wall / calls

    best = spent = window(1)
    calls = max(1, round(WINDOW_SECONDS / best))
    count = 0
    while spent < SECONDS or (count < WINDOWS and spent < PATIENCE):
        seconds = window(calls)
        best, spent, count = min(best, seconds), spent + seconds * calls, count + 1
    return best


def _no_fence() -> None:
    """An adapter's operation needs no fence: it returns when it is done."""


def measure(adapter: Adapter, setting: Setting) -> dict[str, float | None]:
    """`matmul`: FLOPs a second of a matrix product. `memory`: bytes a second in adding vectors.

    `crowd` is the number of cores that others took meanwhile; None if the system does not tell.
    """
    device = setting.device
    watch = clock.Stopwatch()
    random = np.random.default_rng(0)  # on zeros a processor draws less power and clocks higher
    products = []
    for rows in MATMUL_SIZES[device]:
        a, b = (random.random((rows, rows), np.float32) for _ in range(2))
        products.append(2 * rows**3 / best_seconds(adapter.matmul(a, b, device)))
    total, addend = (np.full(STREAM_SIZE[device], value, np.float32) for value in (0, 1))
    addition = best_seconds(adapter.accumulate(total, addend, device))
    # Two vectors are read and one is written.
    return {
        "matmul": max(products),
        "memory": 3 * total.nbytes / addition,
        "crowd": _crowd(watch.read(), setting.threads),
    }


def _crowd(passed: clock.Timed, threads: int) -> float | None:
    """Cores that other processes and the host took, beyond those that the threads leave free."""
    if passed.others is None or passed.stolen is None:
        return None
    free = max(0, cores.count().physical - threads)
    return max(0.0, passed.others / passed.wall - free) + passed.stolen / passed.wall
