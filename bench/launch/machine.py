"""The machine: its processor, cores, memory and system, as a run records them."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.worker.clock import allowed_cores


@cache
def _cpu() -> dict[str, Any]:
    """What py-cpuinfo reports; cached, as it takes a second."""
    from cpuinfo import get_cpu_info

    return dict(get_cpu_info())


def cpu_name() -> str:
    """The processor as it names itself."""
    return str(_cpu().get("brand_raw", platform.processor()))


def cpu_vendor() -> str:
    """The processor's vendor string, such as GenuineIntel or AuthenticAMD; empty where unknown."""
    return str(_cpu().get("vendor_id_raw", ""))


def usable_cores() -> int:
    """Physical cores that this process can use at a time: the default number of threads.

    These are the cores that it may run on, or fewer if it is in a container with a quota.
    """
    limits = (allowed_cores(), psutil.cpu_count(logical=False), _quota())
    return min(limit for limit in limits if limit)


def _quota() -> int | None:
    """Whole cores that Linux's cgroup v2 allows a container, or None where there is no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return None


def _governor() -> str | None:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None


def describe() -> dict[str, Any]:
    """Processor, memory, system, Python and GPUs: the key `machine` of a run's `run.json`."""
    from bench.launch import gpu_state  # here, as pynvml takes a while to import

    cpu = _cpu()
    return {
        "cpu": cpu_name(),
        "cpu_vendor": cpu_vendor(),
        "cpu_flags": sorted(set(cpu.get("flags", [])) & {"avx2", "fma", "avx512f", "avx512_bf16"}),
        "architecture": platform.machine(),
        "cores_physical": psutil.cpu_count(logical=False),
        "cores_logical": psutil.cpu_count(),
        "cores_usable": usable_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "governor": _governor(),
        "load_before": list(os.getloadavg()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "gpus": gpu_state.find(),
    }
