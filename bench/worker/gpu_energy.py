"""Energy of the NVIDIA GPU that a worker computes on, read by NVIDIA's management library.

A worker has only its framework's packages, none of which reads the energy. So this module calls the
driver's own library:
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
    """The number or UUID of the first device in CUDA_VISIBLE_DEVICES, or 0 if it is empty.

    CUDA may number several GPUs in another order than NVML. UUIDs are unambiguous.
    """
    first = devices.split(",", maxsplit=1)[0].strip() or "0"
    return int(first) if first.isdigit() else first


def _device(library: Any, identifier: int | str) -> ctypes.c_void_p | None:
    device = ctypes.c_void_p()
    if isinstance(identifier, int):
        code = library.nvmlDeviceGetHandleByIndex_v2(identifier, ctypes.byref(device))
    else:
        code = library.nvmlDeviceGetHandleByUUID(identifier.encode(), ctypes.byref(device))
    return device if code == SUCCESS else None


def energy_counter(library: Any | None = None) -> Callable[[], float | None] | None:
    """A counter of the joules that the GPU has used since its driver was loaded.

    None if there is no driver or no device, or if the device has no counter (before Volta).
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
