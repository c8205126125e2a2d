"""The interface that a framework implements, and the helpers that every adapter uses.

A framework's `adapter.py` defines `ADAPTER`, an object with the methods of `Adapter`. The harness
owns the clock, the fences, the batches, the weights and the evaluation; native tensors pass through
it unread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bench.core.errors import WrongError
from bench.core.setting import Device, Setting
from bench.core.task import Parameter, Task
from bench.core.weights import Array

Native = Any
Batch = Any


@dataclass(frozen=True, kw_only=True)
class BatchFormat:
    """How a framework's users keep data in memory: the harness lays batches out so, unclocked.

    `channels_last` turns (N, C, H, W) into (N, H, W, C). `labels` and `tokens` are the integer
    types of class labels (N,) and token ids (N, length). Labels under a sigmoid are floats, (N, 1).
    """

    channels_last: bool = False
    labels: str = "int64"
    tokens: str = "int64"


def _in_order(array: Array, gates: Sequence[int]) -> Array:
    """A recurrent layer's rows, (gates * hidden, ...), with its gates in another order."""
    blocks = np.split(array, len(gates))
    return np.concatenate([blocks[gate] for gate in gates])


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a framework keeps a canonical tensor's axes: native = canonical.transpose(axes).

    `gates` tells in which order it keeps a recurrent layer's gates, by their canonical places.
    """

    axes: Mapping[str, tuple[int, ...]]
    gates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    channels_last: bool = False

    def to_native(self, parameter: Parameter, array: Array, shape: Sequence[int]) -> Array:
        """Canonical to native, for the network's tensor of `shape`.

        Raises WrongError if the network's tensor has another shape than the task's has there.
        """
        if self.channels_last and parameter.flattened:
            channels, height, width = parameter.flattened
            columns = array.reshape(-1, channels, height, width)
            array = columns.transpose(0, 2, 3, 1).reshape(parameter.shape)  # CHW -> HWC columns
        if gates := self.gates.get(parameter.kind):
            array = _in_order(array, gates)
        axes = self.axes.get(parameter.kind)
        native = np.ascontiguousarray(array.transpose(axes) if axes else array)
        if native.shape != tuple(shape):
            raise WrongError(
                f"not the same task: {parameter.name} is {tuple(shape)} in the network, "
                f"where the task has {native.shape}"
            )
        return native

    def to_canonical(self, parameter: Parameter, array: Array) -> Array:
        """Native to canonical: the inverse of `to_native`; a copy, never a live tensor's view."""
        axes = self.axes.get(parameter.kind)
        if axes:
            array = array.transpose(np.argsort(axes))
        if array.shape != parameter.shape:
            raise WrongError(
                f"not the same task: {parameter.name} came back as {array.shape}, "
                f"where the task has {parameter.shape}"
            )
        if self.channels_last and parameter.flattened:
            channels, height, width = parameter.flattened
            columns = array.reshape(-1, height, width, channels)
            array = columns.transpose(0, 3, 1, 2).reshape(parameter.shape)  # HWC -> CHW columns
        if gates := self.gates.get(parameter.kind):
            array = _in_order(array, np.argsort(gates).tolist())
        return np.array(array, order="C")


def match(task: Task, find: Callable[[Parameter], Native]) -> dict[str, Native]:
    """The network's own tensor of each of the task's parameters, by canonical name.

    Raises WrongError where `find` does not know one.
    """
    matched = {}
    for parameter in task.parameters:
        try:
            native = find(parameter)
        except (AttributeError, LookupError, ValueError):
            native = None
        if native is None:
            raise WrongError(f"not the same task: the network has no {parameter.name}")
        matched[parameter.name] = native
    return matched


class Session(Protocol):
    """One network on one device, ready to train. Native tensors never leave it unread.

    Dropout is active in `step` alone.
    """

    format: BatchFormat

    def load(self, params: Mapping[str, Array]) -> None:
        """Set every weight from its canonical array, and the optimizer to its initial state.

        Running means become 0, and running variances 1.
        """

    def dump(self) -> dict[str, Array]:
        """Every trained weight, canonical: the exact inverse of `load`."""

    def parameter_count(self) -> int:
        """Trained values, as the framework's own network or optimizer counts them."""

    def stage(self, x: Array, y: Array) -> Batch:
        """Host arrays in `format` to this framework's tensors on its device.

        Tensors may lie in the arrays' memory: it is written to again only after a `sync`.
        """

    def step(self, batch: Batch) -> Native:
        """Forward, backward, update. Returns the batch's mean loss, unread."""

    def logits(self, batch: Batch) -> Native:
        """Logits in evaluation mode, (N, K)."""

    def grads(self, batch: Batch) -> dict[str, Array]:
        """Gradients of the mean loss by canonical name, with the network in training.

        For the proof alone, which opens tasks without dropout, and loads anew behind it: running
        statistics may have moved. A compiled mode may compute them eagerly: what proves its own
        backward pass are the updates and losses of `step`.
        """

    def numpy(self, value: Native) -> Array:
        """A native value as a host array; waits for it."""

    def sync(self) -> None:
        """Return when everything asked of the device is done."""

    def peak_device_bytes(self) -> int | None:
        """The most device memory that tensors took, or that the framework held if it tells that."""

    def close(self) -> None:
        """Give back what the session holds."""


class Adapter(Protocol):
    """A framework in a worker process. It keeps nothing from one call for the next.

    A process computes in one setting, which every method is given: `set_up` comes first, and once.
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
        """Put two float32 matrices on the device. Each call multiplies them and waits for it."""

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        """Put two float32 vectors on the device. Each call adds the second to the first.

        The call waits for the sum, which is written in place: memory is then written only where it
        has been read. A separate vector for the sum would be fetched from memory before it is
        overwritten.
        """
