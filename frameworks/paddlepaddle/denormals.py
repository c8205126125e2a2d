"""Flushing denormal numbers to zero, for which Paddle has no switch."""

from __future__ import annotations

import ctypes
import platform


class FloatingPointEnvironment(ctypes.Structure):
    """glibc's `fenv_t` on x86-64: the x87 environment, then the SSE control register."""

    _fields_ = (("x87", ctypes.c_uint32 * 7), ("mxcsr", ctypes.c_uint32))


FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 0x8000, 0x0040  # Intel 64 manual, volume 1, section 10.2.3


def flush_denormals() -> None:
    """Make this thread, and those that it starts, count denormal numbers as zero.

    Gradients that decay into denormal numbers cost a CPU many cycles each; MXNet and TensorFlow
    flush them by themselves and PyTorch is told to. Paddle has no switch, but a new thread inherits
    the control register, and Intel's OpenMP, which Paddle brings along, hands it on to its workers
    at each parallel region (KMP_INHERIT_FP_CONTROL). Nothing is done where glibc or x86-64 is not.
    """
    if platform.machine() not in ("x86_64", "AMD64") or platform.libc_ver()[0] != "glibc":
        return
    libm = ctypes.CDLL("libm.so.6")
    environment = FloatingPointEnvironment()
    libm.fegetenv(ctypes.byref(environment))
    environment.mxcsr |= FLUSH_TO_ZERO | DENORMALS_ARE_ZERO
    libm.fesetenv(ctypes.byref(environment))
