"""How much memory a worker may take, so that a job that wants too much ends, and not the machine.

A control group of cgroup v2 holds a worker to its limit exactly, where this process may make one.
Elsewhere the system limits what it allocates (RLIMIT_DATA, which counts private memory that can be
written, touched or not, and so needs headroom). That is left out on a GPU, whose driver sets aside
far more than it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from bench.core.setting import Device
from bench.launch import machine
from bench.worker import control_groups

GIB = 1 << 30
# Bytes that a worker allocates and does not touch: stacks of threads and pools of allocators. By
# RLIMIT_DATA they count. Measured with all frameworks on two threads: 0.1 to 0.8 GiB.
HEADROOM = 2 * GIB
_KERNEL_COUNTS = Path("/proc/vmstat")

# What Python, C++ and the frameworks say when they are refused memory.
_REFUSED = re.compile(
    r"MemoryError|bad_alloc|[Oo]ut of memory|RESOURCE_EXHAUSTED|can't allocate memory"
    r"|[Cc]annot allocate memory|ENOMEM|[Ff]ailed to allocate",
)


def machine_bytes() -> int | None:
    """What a worker may take by default: what the machine or this container has, less one GiB.

    None where neither tells.
    """
    limits = (machine.memory_bytes(), control_groups.memory_limit())
    least = min((limit for limit in limits if limit), default=None)
    return least and max(GIB, least - GIB)


@dataclass(frozen=True, kw_only=True)
class MemoryLimit:
    """The limit of one worker, in bytes, and how it is held; 0 bytes are no limit.

    By its control group `group`, or by `data`, the bytes that it may allocate; 0 and None where it
    is not held.
    """

    bytes: int
    data: int = 0
    group: Path | None = None
    killed_before: int = 0

    def explained(self, reason: str) -> str:
        """Why a job failed, which says so if it was for want of memory."""
        if self._is_exceeded() or _REFUSED.search(reason):
            most = f", of which it may take {self.bytes / GIB:.3g} GiB (--memory-limit)"
            return f"out of memory{most if self.bytes else ''}: {reason}"
        return reason

    def _is_exceeded(self) -> bool:
        """Whether the kernel has killed for want of memory since the worker started."""
        kills = _count(self.group / "memory.events" if self.group else _KERNEL_COUNTS)
        return kills > self.killed_before


def _count(file: Path) -> int:
    """The processes that the kernel has killed for want of memory, as a file counts them."""
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


@contextmanager
def held(limit: int | None, device: Device) -> Iterator[MemoryLimit]:
    """The limit of the next worker on a device; None is that of the machine."""
    most = limit or machine_bytes() or 0
    group = _make_group(most) if most else None
    try:
        yield MemoryLimit(
            bytes=most,
            data=0 if group or not most or device == "cuda" else most + HEADROOM,
            group=group,
            killed_before=0 if group else _count(_KERNEL_COUNTS),
        )
    finally:
        if group:
            with suppress(OSError):
                group.rmdir()


def _make_group(most: int) -> Path | None:
    """A control group below this process's own, with a limit; None where that cannot be had."""
    group = None
    own = next(control_groups.folders("memory", control_groups.ROOT), None)
    if own is None or not (own / "cgroup.controllers").exists():
        return None
    try:
        group = Path(mkdtemp(prefix="framebench-", dir=own))
        (group / "memory.swap.max").write_text("0", encoding="ascii")
        (group / "memory.max").write_text(str(most), encoding="ascii")
        return group
    except (OSError, ValueError):  # no cgroup v2, no right to it, or no memory controller in it
        if group:
            with suppress(OSError):
                group.rmdir()
        return None
