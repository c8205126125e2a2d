"""Flushing denormal numbers to zero, for frameworks that have no switch for it."""

from __future__ import annotations

import ctypes
import platform


class FloatingPointEnvironment(ctypes.Structure):
    """glibc's `fenv_t` on x86-64: the x87 environment, then the SSE control register."""

    _fields_ = (("x87", ctypes.c_uint32 * 7), ("mxcsr", ctypes.c_uint32))


FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 0x8000, 0x0040  # Intel 64 manual, volume 1, section 10.2.3


def flush_denormals() -> None:
    """Make this thread, and those that it starts, treat denormal numbers as zero.

    Gradients and Adam's moments decay into denormal numbers, which cost a CPU many cycles each.
    TensorFlow and JAX flush them by themselves, and PyTorch has a switch. A new thread inherits the
    control register, so a call before a framework starts its threads covers those too. Intel's
    OpenMP, which Paddle ships, also passes it on to its workers in each parallel region
    (KMP_INHERIT_FP_CONTROL). Does nothing except with glibc on x86-64.
    """
    if platform.machine() not in ("x86_64", "AMD64") or platform.libc_ver()[0] != "glibc":
        return
    libm = ctypes.CDLL("libm.so.6")
    environment = FloatingPointEnvironment()
    libm.fegetenv(ctypes.byref(environment))
    environment.mxcsr |= FLUSH_TO_ZERO | DENORMALS_ARE_ZERO
    libm.fesetenv(ctypes.byref(environment))
