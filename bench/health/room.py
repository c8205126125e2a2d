"""Checks of memory, and of the room on the disks."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.health.check import Examined, HealthCheck, Verdict, graded
from bench.launch.paths import cache_dir
from bench.worker.control_groups import memory_limit

# The largest process of the published runs on a CPU takes 0.9 GB, and proofs run several at a time.
_ENOUGH_MEMORY, _LEAST_MEMORY = 4e9, 1.5e9
# All environments take 5 GB; a run's own results some MB.
_ENOUGH_CACHE, _LEAST_CACHE = 6e9, 5e8
_ENOUGH_RESULTS, _LEAST_RESULTS = 1e9, 5e7
# Share of the memory that may be swapped out before it matters.
_SWAPPED = 0.05
# Seconds for which the sizes of cached files are added up.
_PATIENCE = 0.5


def _gigabytes(value: float) -> str:
    return f"{value / 1e9:.1f} GB"


def _roomy(enough: float, least: float, free: float) -> Verdict:
    return graded(-free, mind=-enough, bad=-least)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of memory: all, those available now, and a control group's limit, if there is one."""

    total: int
    available: int
    limit: int | None

    def verdict(self) -> Verdict:
        """By what a run can have."""
        can_have = min(self.available, self.limit or self.available)
        return _roomy(_ENOUGH_MEMORY, _LEAST_MEMORY, can_have)

    def __str__(self) -> str:
        text = f"{_gigabytes(self.available)} available of {_gigabytes(self.total)}"
        return text if self.limit is None else f"{text}; limited to {_gigabytes(self.limit)}"


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Bytes that are swapped out, and all bytes of memory."""

    used: int
    memory: int

    def verdict(self) -> Verdict:
        """What is swapped out shows that memory was short."""
        return "mind" if self.used > _SWAPPED * self.memory else "good"

    def __str__(self) -> str:
        return f"{_gigabytes(self.used)} used"


@dataclass(frozen=True, kw_only=True)
class CacheFolder:
    """The cache: whether it can be written, its bytes, and whether these are all of it."""

    writable: bool
    bytes: int
    complete: bool

    def verdict(self) -> Verdict:
        """A cache that cannot be written is enough where all is prepared."""
        return "good" if self.writable else "mind"

    def __str__(self) -> str:
        size = f"{'' if self.complete else 'more than '}{_gigabytes(self.bytes)}"
        return f"{size}, {'writable' if self.writable else 'cannot be written'}"


def _memory(machine: Examined) -> Memory:
    memory = psutil.virtual_memory()
    return Memory(total=memory.total, available=memory.available, limit=memory_limit(machine.root))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _free(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


def _cache(machine: Examined) -> CacheFolder:
    folder = cache_dir()
    size, complete = _size(folder) if folder.is_dir() else (0, True)
    return CacheFolder(
        writable=os.access(_existing(folder), os.W_OK | os.X_OK), bytes=size, complete=complete
    )


def _size(folder: Path) -> tuple[int, bool]:
    """The bytes of all files below a folder, and whether there was time for all."""
    total, end = 0, time.monotonic() + _PATIENCE
    for place, _, names in os.walk(folder):
        if time.monotonic() > end:
            return total, False
        total += sum(Path(place, name).lstat().st_size for name in names)
    return total, True


MEMORY = HealthCheck(
    name="memory",
    find=_memory,
    judge=Memory.verdict,
    unit="bytes",
    remedy="end what fills it; `top -o %MEM` shows it",
)
SWAP = HealthCheck(
    name="swap",
    find=lambda machine: Swap(used=psutil.swap_memory().used, memory=psutil.virtual_memory().total),
    judge=Swap.verdict,
    unit="bytes",
    remedy="end what fills the memory; `top -o %MEM` shows it",
)
CACHE = HealthCheck(
    name="cache",
    find=_cache,
    judge=CacheFolder.verdict,
    unit="bytes",
    remedy="name another folder by FRAMEBENCH_CACHE: "
    "`FRAMEBENCH_CACHE=/var/tmp/framebench framebench setup`",
)
CACHE_DISK = HealthCheck(
    name="disk, cache",
    find=lambda machine: _free(cache_dir()),
    judge=lambda free: _roomy(_ENOUGH_CACHE, _LEAST_CACHE, free),
    unit="bytes",
    show=lambda free: f"{_gigabytes(free)} free",
    remedy="make room, or name a folder on another disk by FRAMEBENCH_CACHE; `df -h` shows them",
)
RESULTS_DISK = HealthCheck(
    name="disk, results",
    find=lambda machine: _free(machine.results),
    judge=lambda free: _roomy(_ENOUGH_RESULTS, _LEAST_RESULTS, free),
    unit="bytes",
    show=lambda free: f"{_gigabytes(free)} free",
    remedy="make room, or name a folder on another disk: `framebench run --results FOLDER`",
)
MEMORY_CHECKS = (MEMORY, SWAP, RESULTS_DISK)
CACHE_CHECKS = (CACHE, CACHE_DISK)
