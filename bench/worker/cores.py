"""The processor's cores that this process may use: the one place that counts them."""

from __future__ import annotations

import os
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.core.telemetry import text_of, told
from bench.worker.control_groups import ROOT, cpu_quota


@dataclass(frozen=True, kw_only=True)
class Cores:
    """The `logical` cores that a process may run on, and the `physical` ones that they are part of.

    Two hyperthreads are two logical cores of one physical core. `quota` is the cores' worth of time
    that a container may use, None where there is no limit.
    """

    logical: int
    physical: int
    quota: float | None

    @property
    def usable(self) -> int:
        """Physical cores that it can use at a time, at least 1: the default number of threads."""
        if self.quota is None:
            return self.physical
        return max(1, min(self.physical, int(self.quota)))


def affinity() -> set[int]:
    """The logical cores that this process may run on; all where the system does not tell."""
    if hasattr(os, "sched_getaffinity") and (cores := told(lambda: os.sched_getaffinity(0))):
        return cores
    return set(range(os.cpu_count() or 1))


def count(root: Path = ROOT, allowed: Collection[int] | None = None) -> Cores:
    """The cores that this process may use; `root` holds `proc` and `sys`.

    `allowed` are the logical cores that it may run on, by default those of its affinity. Where
    nothing tells which of them share a physical core, each counts as one.
    """
    logical = affinity() if allowed is None else allowed
    return Cores(
        logical=len(logical),
        physical=len(set(_physical(root, logical))),
        quota=cpu_quota(root),
    )


def _physical(root: Path, logical: Collection[int]) -> Iterator[Hashable]:
    """For each logical core what it has in common with the others of its physical core alone."""
    listed = _listed(root)
    for core in logical:
        topology = root / f"sys/devices/system/cpu/cpu{core}/topology"
        siblings = text_of(topology / "thread_siblings_list")
        yield siblings or listed.get(str(core)) or core


def _listed(root: Path) -> dict[str, tuple[str, str]]:
    """Socket and core of each logical core, as /proc/cpuinfo tells them on some processors."""
    found = {}
    for block in (text_of(root / "proc/cpuinfo") or "").split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        if {"processor", "physical id", "core id"} <= fields.keys():
            found[fields["processor"]] = (fields["physical id"], fields["core id"])
    return found
