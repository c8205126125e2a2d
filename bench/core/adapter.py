"""The interface that a framework implements.

A framework's `adapter.py` defines `ADAPTER`, an object with the methods of `Adapter`. The harness
owns the clock, the fences, the batches, the weights and the evaluation. It passes native tensors
back to the framework and never reads them itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from bench.core.task import Task
from bench.core.weights import Array

Native = Any
Batch = Any


@dataclass(frozen=True, kw_only=True)
class BatchFormat:
    """The format in memory that a framework's users choose for their data.

    The harness lays batches out in this format outside the clock.

    `channels_last` turns (N, C, H, W) into (N, H, W, C). `floats` is the type of pixels and of
    labels under a sigmoid, which are (N, 1). `labels` and `tokens` are the integer types of class
    labels (N,) and of token ids (N, length).
    """

    channels_last: bool = False
    floats: str = "float32"
    labels: str = "int64"
    tokens: str = "int64"


class Session(Protocol):
    """One network on one device, ready to train. Only its methods read native tensors.

    Dropout is active only in `step`.
    """

    format: BatchFormat

    def load(self, params: Mapping[str, Array]) -> None:
        """Set every weight from its canonical array, and the optimizer to its initial state.

        Running means become 0, and running variances 1.
        """

    def dump(self) -> dict[str, Array]:
        """Every trained weight in canonical layout: the exact inverse of `load`."""

    def parameter_count(self) -> int:
        """Trained values, as the framework's own network or optimizer counts them."""

    def stage(self, x: Array, y: Array) -> Batch:
        """Turn host arrays in `format` into this framework's tensors on its device.

        The tensors may share the arrays' memory, which is not written to again before a `sync`.
        """

    def step(self, batch: Batch) -> Native:
        """Forward pass, backward pass and update. Returns the mean loss as a native value."""

    def logits(self, batch: Batch) -> Native:
        """Logits in evaluation mode, (N, K)."""

    def grads(self, batch: Batch) -> dict[str, Array]:
        """Gradients of the mean loss by canonical name, with the network in training mode.

        Only the proof calls this. It opens tasks without dropout and loads the weights again
        afterwards, as running statistics may have moved. A compiled mode may compute the gradients
        eagerly: its own backward pass is proved by the updates and losses of `step`.
        """

    def numpy(self, value: Native) -> Array:
        """A native value as a host array. Waits until the value is computed."""

    def sync(self) -> None:
        """Wait until the device has finished all work that was submitted to it."""

    def peak_device_bytes(self) -> int | None:
        """The most device memory that tensors took, or that the framework reserved.

        None on the CPU.
        """

    def close(self) -> None:
        """Release what the session holds."""


class Adapter(Protocol):
    """A framework in a worker process. An adapter has no state.

    A process computes in one setting. The harness passes it to every method that needs it, and
    calls `set_up` first, and once.
    """

    def set_up(self, setting: Setting) -> None:
        """Make the framework's process-wide choices: device, threads, number types, denormals.

        Raises UnsupportedError if this machine or framework lacks the device or the precision.
        """

    def versions(self, device: Device) -> dict[str, str]:
        """Versions of the framework and of the libraries that it computes with."""

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> Session:
        """Build the task's network. `seed` starts the framework's own random numbers: dropout's.

        Raises UnsupportedError if the framework lacks the mode or the task.
        """

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        """Put two float32 matrices on the device.

        Each call of the result multiplies them and waits for the product.
        """

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        """Put two float32 vectors on the device.

        Each call of the result adds the second to the first, in place, and waits. Memory is
        then written only where it has been read; a separate vector for the sum would be fetched
        from memory before it is overwritten.
        """


def require_mode(mode: str, modes: Collection[str]) -> None:
    """Raises UnsupportedError if `mode` is not one of the framework's `modes`."""
    if mode not in modes:
        raise UnsupportedError(f"no mode {mode!r} in this framework; it has: {', '.join(modes)}")


def network_module(package: str, task: Task) -> ModuleType:
    """The module with the task's network: `models/NETWORK.py` in the adapter's package.

    Raises UnsupportedError if there is none.
    """
    name = f"{package}.models.{task.network}"
    if importlib.util.find_spec(name) is None:
        raise UnsupportedError(f"this framework has no model for {task.name}: no module {name}")
    return importlib.import_module(name)
