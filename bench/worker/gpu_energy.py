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

from bench.core.telemetry import told
from bench.worker.visible_gpu import InstalledGpu, first_visible

LIBRARY = "libnvidia-ml.so.1"
SUCCESS = 0
# Enough for every name and UUID that the library returns.
_TEXT_BYTES = 128


def energy_counter(library: Any | None = None) -> Callable[[], float | None] | None:
    """A counter of the joules that the GPU has used since its driver was loaded.

    None if there is no driver or no device, if it is not sure which one the worker uses, or if the
    device has no counter (before Volta).
    """
    return told(lambda: _counter(library or ctypes.CDLL(LIBRARY)))


def _counter(library: Any) -> Callable[[], float | None] | None:
    if library.nvmlInit_v2() != SUCCESS:
        return None
    device = _device(library)
    if device is None:
        return None

    def joules() -> float | None:
        millijoules = ctypes.c_ulonglong()
        code = library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules))
        return millijoules.value / 1e3 if code == SUCCESS else None

    return joules if joules() is not None else None


def _device(library: Any) -> ctypes.c_void_p | None:
    """The device that CUDA shows first. None if there is none, or it is not sure which it is."""
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != SUCCESS:
        return None
    devices: list[ctypes.c_void_p | None] = []
    for index in range(count.value):
        device = ctypes.c_void_p()
        code = library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device))
        devices.append(device if code == SUCCESS else None)  # a lost one keeps its number
    installed = [
        InstalledGpu(
            uuid=_text(library, "nvmlDeviceGetUUID", device),
            name=_text(library, "nvmlDeviceGetName", device),
        )
        for device in devices
    ]
    first = first_visible(installed, os.environ)
    if isinstance(first, int):
        return devices[first]
    part = ctypes.c_void_p()
    if first and library.nvmlDeviceGetHandleByUUID(first.encode(), ctypes.byref(part)) == SUCCESS:
        return part
    return None


def _text(library: Any, function: str, device: ctypes.c_void_p | None) -> str | None:
    if device is None:
        return None
    buffer = ctypes.create_string_buffer(_TEXT_BYTES)
    size = ctypes.c_uint(_TEXT_BYTES)
    code = told(lambda: getattr(library, function)(device, buffer, size))
    return buffer.value.decode(errors="replace") if code == SUCCESS else None
