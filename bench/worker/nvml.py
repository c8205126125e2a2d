"""Energy of the NVIDIA GPU that a worker computes on, by NVIDIA's management library.

A worker has no package for it but what its framework brings, so the driver's own library is called:
https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
SUCCESS = 0


def _library() -> Any | None:
    """The driver's library; None where there is no driver."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        return None


def first_visible(devices: str) -> int | str:
    """The first device of CUDA_VISIBLE_DEVICES: its number, or its UUID; else the first of all.

    CUDA may count several GPUs in another order than NVML: their UUIDs are certain.
    """
    first = devices.split(",", maxsplit=1)[0].strip() or "0"
    return int(first) if first.isdigit() else first


def _device(library: Any, chosen: int | str) -> ctypes.c_void_p | None:
    device = ctypes.c_void_p()
    if isinstance(chosen, int):
        code = library.nvmlDeviceGetHandleByIndex_v2(chosen, ctypes.byref(device))
    else:
        code = library.nvmlDeviceGetHandleByUUID(chosen.encode(), ctypes.byref(device))
    return device if code == SUCCESS else None


def energy_counter(library: Any | None = None) -> Callable[[], float | None] | None:
    """A counter of the joules that the GPU has taken since its driver was loaded.

    None where there is no driver or no device, or the device does not tell (before Volta).
    """
    library = library or _library()
    if library is None or library.nvmlInit_v2() != SUCCESS:
        return None
    device = _device(library, first_visible(os.environ.get("CUDA_VISIBLE_DEVICES", "")))
    if device is None:
        return None

    def read() -> float | None:
        millijoules = ctypes.c_ulonglong()
        code = library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules))
        return millijoules.value / 1e3 if code == SUCCESS else None

    return read if read() is not None else None
