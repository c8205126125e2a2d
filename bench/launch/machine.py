"""The machine: its processor, cores, memory and system, as a run records them.

Whatever it does not tell is None.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.core.telemetry import text_of, told
from bench.launch import gpu_state
from bench.system import children
from bench.worker import cores

# Seconds that a helper of the system's may take.
PATIENCE = 5.0


@cache
def _cpu() -> dict[str, str]:
    """The fields of /proc/cpuinfo for the first core, and those of `lscpu` where they lack a name.

    Some processors, such as Arm's, have only numbers in the former, which `lscpu` knows.
    """
    first = (text_of(Path("/proc/cpuinfo")) or "").partition("\n\n")[0]
    fields = _fields(first)
    return fields if "model name" in fields else {**_fields(told(_lscpu) or ""), **fields}


def _fields(text: str) -> dict[str, str]:
    """Lines of the form "Name: value", by their names in lower case."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value.strip()}


def _lscpu() -> str:
    """What `lscpu` prints. Raises any of several errors where there is none, or it fails."""
    program = shutil.which("lscpu")
    assert program
    with children.started(
        [program],
        env={**children.inherited(), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        return process.communicate(timeout=PATIENCE)[0].decode(errors="replace")


def cpu_name() -> str | None:
    """The processor as it names itself, or its architecture."""
    return _cpu().get("model name") or told(platform.machine) or None


def cpu_vendor() -> str:
    """The processor's vendor string, such as GenuineIntel or AuthenticAMD; empty where unknown."""
    return _cpu().get("vendor_id") or _cpu().get("vendor id") or ""


def cpu_flags() -> frozenset[str]:
    """The processor's features, as Linux calls them; empty where they are not told."""
    return _flags(_cpu())


def flags_of(cpuinfo: str) -> frozenset[str]:
    """The processor's features by the text of /proc/cpuinfo; empty where it has none."""
    return _flags(_fields(cpuinfo.partition("\n\n")[0]))


def _flags(fields: Mapping[str, str]) -> frozenset[str]:
    return frozenset((fields.get("flags") or fields.get("features") or "").split())


def usable_cores() -> int:
    """Physical cores that this process can use at a time: the default number of threads.

    These are the cores that it may run on, or fewer if it is in a container with a quota.
    """
    return cores.count().usable


def memory_bytes() -> int | None:
    """The memory of the machine; None where it is not told."""
    return told(lambda: int(psutil.virtual_memory().total))


@cache
def node_name() -> str:
    """The machine's name in records: eight digits of a digest, as published runs tell no host's.

    Machines that were copied from one another, with the name of their host, share it only if they
    have the same processor and as much memory.
    """
    facts = (platform.node(), text_of(Path("/etc/machine-id")), cpu_name(), memory_bytes())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


def governor() -> str | None:
    """How the system chooses the first core's frequency, such as `performance`."""
    return text_of(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))


def describe() -> dict[str, Any]:
    """Processor, memory, system, Python and GPUs: the key `machine` of a run's `run.json`."""
    return {
        "cpu": cpu_name(),
        "cpu_vendor": cpu_vendor(),
        "cpu_flags": sorted(cpu_flags() & {"avx2", "fma", "avx512f", "avx512_bf16"}),
        "architecture": told(platform.machine),
        "cores_physical": told(lambda: psutil.cpu_count(logical=False)),
        "cores_logical": told(psutil.cpu_count),
        "cores_usable": usable_cores(),
        "memory_bytes": memory_bytes(),
        "governor": governor(),
        "load_before": told(lambda: list(os.getloadavg())),
        "system": told(platform.platform),
        "python": platform.python_version(),
        "gpus": gpu_state.find(),
    }
