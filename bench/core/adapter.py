"""The interface that a framework implements.

A framework's `adapter.py` defines `ADAPTER`, an object with the methods of `Adapter`. The harness
owns the clock, the fences, the batches, the weights and the evaluation. It passes native tensors
back to the framework and never reads them itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.plugins import model_module
from bench.core.readers import BatchFormat
from bench.core.setting import Device, Setting
from bench.core.task import Task, Update

Native = Any
Batch = Any


class Session(Protocol):
    """One network on one device, ready to train. Only its methods read native tensors.

    Dropout is active only in `step`. A batch for a `step` may be without the task's noise, which
    the network then draws by the framework's own generator.
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

    def state(self) -> dict[str, Array]:
        """The optimizers' state, by the names of `Optimizer.state`, in canonical layout.

        The keys are STATE/PARAMETER, such as `velocity/hidden.weight`. State that the framework
        creates in the first step is 0 before it.
        """

    def stage(self, batch: Mapping[str, Array]) -> Batch:
        """Turn a batch of host arrays in `format` into this framework's tensors on its device.

        `batch` has the task's fields, or those of its data, in their order; of a sparse matrix the
        entries, structured as `bench.core.graph` has them. The tensors may share the arrays'
        memory, which is not written to again before a `sync`.
        """

    def step(self, batch: Batch) -> tuple[Native, ...]:
        """Every update of the task, one after the other: forward pass, backward pass, update.

        Returns each update's mean loss as a native value, in the order of the task's updates.
        """

    def outputs(self, batch: Batch) -> Mapping[str, Native]:
        """The network's outputs in evaluation mode, by the names of the task: (N, ...) each.

        The batch's targets are zeros (see `bench.core.split.unlabelled`).
        """

    def gradients(self, batch: Batch) -> dict[str, Array]:
        """Gradients of the mean loss by canonical name, with the network in training mode.

        A parameter has the gradient of the update that moves it. Only the proof calls this. It
        opens tasks without dropout and loads the weights again afterwards, as running statistics
        may have moved. A compiled mode may compute the gradients eagerly: its own backward pass is
        proved by the updates and losses of `step`.
        """

    def numpy(self, value: Native) -> Array:
        """A native value as a host array. Waits until the value is computed."""

    def sync(self) -> None:
        """Wait until the device has finished all work that was submitted to it."""

    def peak_device_bytes(self) -> int | None:
        """The most device memory that tensors took, or that the framework reserved.

        None on the CPU.
        """

    def compiled_programs(self) -> int | None:
        """How many programs the framework says that it has compiled for this session's `step`.

        0 if it runs operators one by one, and None if the framework cannot tell.
        """

    def close(self) -> None:
        """Release what the session holds."""


@runtime_checkable
class OwnLoop(Session, Protocol):
    """A session of a framework that owns the loops over batches, as Keras's `fit` does.

    Its `step` trains one batch in the same way.
    """

    def train(self, examples: Mapping[str, Array], size: int) -> Sequence[tuple[Native, ...]]:
        """Train on examples in their order, batches of `size` one after the other.

        Returns of each step what `step` returns.
        """

    def predict(self, examples: Mapping[str, Array], size: int) -> Mapping[str, Native]:
        """The outputs for all examples, as `outputs` has them, in batches of `size`."""


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

    def debugging_aids(self) -> Sequence[str]:
        """What is on in this process that helps to find mistakes and slows computing, by its names.

        Such as a check of every result for NaN. A cell with any of it is not measured.
        """

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

    Or, if it has none, in a folder of the adapter's name in a plug-in. Raises UnsupportedError if
    there is none.
    """
    name = model_module(package.rpartition(".")[2], task.network)
    if name is None:
        raise UnsupportedError(
            f"this framework has no model for {task.name}: "
            f"no module {package}.models.{task.network}"
        )
    return importlib.import_module(name)


def losses(
    module: ModuleType, task: Task, named: Mapping[str, Callable[..., Native]]
) -> list[Callable[..., Native]]:
    """The loss of each of the task's updates: functions of the network and of a batch's tensors.

    A network takes native tensors, and returns an output or a tuple of them; so does each of its
    parts, which are its attributes, such as `network.generator`. A batch's tensors are
    those of the task's fields, or of its data, in their order. `module` is that of the network. If
    it has a mapping `LOSSES`, that holds a function of the network and the batch, by name, for each
    update. Otherwise the loss is the one of `named`, the framework's own by kind, of the outputs
    and the fields that the loss reads.

    Raises UnsupportedError if the framework lacks a loss, or the network of a task with noise has
    none of its own.
    """
    return [_loss(module, task, update, named) for update in task.updates]


def _loss(
    module: ModuleType,
    task: Task,
    update: Update,
    named: Mapping[str, Callable[..., Native]],
) -> Callable[..., Native]:
    fields = tuple(task.fields)
    own = getattr(module, "LOSSES", {}).get(update.name)
    if own is not None:
        names = {len(given): given for given in (task.data, fields)}

        def own_loss(network: Callable[..., Native], *tensors: Native) -> Native:
            batch = dict(zip(names[len(tensors)], tensors, strict=True))
            return own(network, batch)

        return own_loss
    if task.noise:
        raise UnsupportedError(f"{task.name} has noise, and {module.__name__} no losses of its own")
    if update.loss.kind not in named:
        raise UnsupportedError(f"this framework has no loss {update.loss.kind} for {task.name}")
    criterion = named[update.loss.kind]
    inputs = slice(len(task.inputs))
    targets = [fields.index(name) for name in update.loss.fields]
    outputs = [task.outputs.index(name) for name in update.loss.outputs]
    is_single = len(task.outputs) == 1

    def of(network: Callable[..., Native], *tensors: Native) -> Native:
        found = network(*tensors[inputs])
        own = [found] if is_single else [found[output] for output in outputs]
        return criterion(*own, *[tensors[target] for target in targets])

    return of


def named_outputs(task: Task, result: Any) -> dict[str, Native]:
    """What a network returned, one output or a tuple of them, by the names of the outputs."""
    every = result if len(task.outputs) > 1 else (result,)
    return dict(zip(task.outputs, every, strict=True))
