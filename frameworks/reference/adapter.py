"""The reference's engine: formulas, gradients by autograd, updates as the task states them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from types import ModuleType
from typing import Any

import autograd
import numpy as np

from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.readers import BatchFormat
from bench.core.setting import Device, Setting
from bench.core.task import Task
from frameworks.reference.graphs import sparse_matrix
from frameworks.reference.layers import Running, Value
from frameworks.reference.losses import LOSSES
from frameworks.reference.optimizers import Updates

MODES = ("eager",)


class Network:
    """The formulas of a network's module with values for the parameters.

    Called, it is `forward`; its parts are the module's other formulas, by their names.
    """

    def __init__(
        self,
        module: ModuleType,
        params: Mapping[str, Value],
        drop: Callable[[str, Value], Value],
        **running: Running,
    ) -> None:
        self._module = module
        self._params = params
        self._drop = drop
        self._running = running

    def __call__(self, *inputs: Value) -> Value:
        return self._module.forward(self._params, *inputs, self._drop, **self._running)

    def __getattr__(self, part: str) -> Callable[..., Value]:
        return partial(getattr(self._module, part), self._params)


class ReferenceSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting, seed: int) -> None:
        require_mode(mode, MODES)
        self._task = task
        self._dtype = setting.precision
        self.format = BatchFormat(floats=setting.precision, labels="int64", tokens="int64")
        self._random = np.random.default_rng(seed)
        module = network_module(__package__, task)
        self._running = Running()
        running = {"running": self._running} if task.running_statistics else {}
        self._network = partial(Network, module, **running)
        # Each by the first argument: the weights that the update moves.
        self._gradients = [
            autograd.value_and_grad(partial(self._loss, loss))
            for loss in losses(module, task, LOSSES)
        ]
        self._moved = [
            tuple(p.name for p in task.parameters if update.moves(p)) for update in task.updates
        ]
        self._params: dict[str, Array] = {}
        self._updates: list[Updates] = []

    def load(self, params: Mapping[str, Array]) -> None:
        self._params = {name: param.astype(self._dtype) for name, param in params.items()}
        self._updates = [
            Updates(
                {p.name: update.optimizer.of(p) for p in self._task.parameters if update.moves(p)},
                self._part(moved),
                update.clip,
            )
            for update, moved in zip(self._task.updates, self._moved, strict=True)
        ]
        self._running.reset()

    def resume(
        self, params: Mapping[str, Array], state: Mapping[str, Array], *, steps: int
    ) -> None:
        """Go on where another session is after `steps` steps, which `dump` and `state` showed.

        Running statistics begin anew: training does not read them.
        """
        self.load(params)
        for updates in self._updates:
            updates.resume(state, steps)

    def dump(self) -> dict[str, Array]:
        return {name: param.copy() for name, param in self._params.items()}

    def parameter_count(self) -> int:
        return sum(self._params[name].size for moved in self._moved for name in moved)

    def state(self) -> dict[str, Array]:
        return {key: array for updates in self._updates for key, array in updates.state().items()}

    def stage(self, batch: Mapping[str, Array]) -> tuple[Value, ...]:
        matrices = self._task.matrices
        return tuple(
            sparse_matrix(array, matrices[name]) if name in matrices else array
            for name, array in batch.items()
        )

    def step(self, batch: tuple[Array, ...]) -> tuple[Value, ...]:
        steps = []
        if len(batch) < len(self._task.fields):
            batch = self._with_noise(batch)
        for gradient, moved, updates in zip(
            self._gradients, self._moved, self._updates, strict=True
        ):
            part = self._part(moved)
            loss, gradients = gradient(part, self._params, batch)
            self._params |= updates.apply(part, gradients)
            steps.append(loss)
        return tuple(steps)

    def outputs(self, batch: tuple[Array, ...]) -> dict[str, Value]:
        """With running statistics, also `NAME/unbiased`: the same with variances over n - 1."""
        named = self._evaluated(batch)
        if self._task.running_statistics:
            self._running.unbiased = True
            unbiased = self._evaluated(batch)
            self._running.unbiased = False
            named |= {f"{name}/unbiased": output for name, output in unbiased.items()}
        return named

    def gradients(self, batch: tuple[Array, ...]) -> dict[str, Array]:
        every: dict[str, Array] = {}
        for gradient, moved in zip(self._gradients, self._moved, strict=True):
            every |= gradient(self._part(moved), self._params, batch)[1]
        return every

    def numpy(self, value: Value) -> Array:
        return np.asarray(value)

    def sync(self) -> None:
        """Does nothing: numpy has finished when a call returns."""

    def peak_device_bytes(self) -> int | None:
        return None

    def compiled_programs(self) -> int | None:
        return 0

    def close(self) -> None:
        """The session's objects are all that it holds."""

    def _part(self, names: tuple[str, ...]) -> dict[str, Array]:
        return {name: self._params[name] for name in names}

    def _evaluated(self, batch: tuple[Array, ...]) -> dict[str, Value]:
        self._running.training = False
        inputs = batch[: len(self._task.inputs)]
        network = self._network(self._params, lambda layer, value: value)
        return named_outputs(self._task, network(*inputs))

    def _loss(
        self,
        loss: Callable[..., Value],
        moved: Mapping[str, Value],
        params: Mapping[str, Value],
        batch: tuple[Array, ...],
    ) -> Value:
        """The loss of one update, as a function of the weights that it moves."""
        self._running.training = True
        return loss(self._network({**params, **moved}, self._drop), *batch)

    def _with_noise(self, batch: tuple[Array, ...]) -> tuple[Array, ...]:
        """A batch of the task's data, and the noise that a framework draws itself."""
        named = dict(zip(self._task.data, batch, strict=True))
        for name in self._task.noise:
            shape = len(batch[0]), *self._task.fields[name].shape
            named[name] = self._noise(shape).astype(self._dtype)
        return tuple([named[name] for name in self._task.fields])

    def _noise(self, shape: tuple[int, ...]) -> Array:
        return self._random.standard_normal(shape)

    def _drop(self, layer: str, x: Value) -> Value:
        """Zero values at the task's rate, and scale the others so that the mean is kept."""
        keep = 1 - self._task.rate(layer)
        if keep == 1:
            return x
        return x * ((self._random.random(x.shape) < keep) / keep).astype(self._dtype)


class ReferenceAdapter:
    def set_up(self, setting: Setting) -> None:
        if setting.device != "cpu":
            raise UnsupportedError("the reference runs on the CPU alone")
        if setting.precision not in ("float32", "float64"):
            raise UnsupportedError(
                f"numpy computes in float32 and float64, not in {setting.precision}"
            )

    def versions(self, device: Device) -> dict[str, str]:
        return {"autograd": version("autograd"), "numpy": np.__version__}

    def debugging_aids(self) -> tuple[str, ...]:
        return ()

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> ReferenceSession:
        return ReferenceSession(task, mode=mode, setting=setting, seed=seed)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        product = np.empty_like(a)

        def run() -> None:
            np.matmul(a, b, out=product)

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        def run() -> None:
            np.add(total, addend, out=total)

        return run


ADAPTER: Any = ReferenceAdapter()
