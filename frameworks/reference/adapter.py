"""The reference's engine: formulas, gradients by autograd, updates as the task states them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

import autograd
import numpy as np

from bench.core.adapter import BatchFormat, network_module, require_mode
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from bench.core.task import Task
from bench.core.weights import Array
from frameworks.reference.layers import LOSSES, Running, Value
from frameworks.reference.optimizers import Updates

MODES = ("eager",)


class ReferenceSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting, seed: int) -> None:
        require_mode(mode, MODES)
        self._task = task
        self._dtype = setting.precision
        self.format = BatchFormat(floats=setting.precision, labels="int64", tokens="int64")
        self._random = np.random.default_rng(seed)
        module = network_module(__package__, task)
        self._running = Running()
        self._logits = module.logits
        if task.batch_norm:
            self._logits = partial(module.logits, running=self._running)
        self._gradient = autograd.value_and_grad(self._loss)  # by the first argument
        self._params: dict[str, Array] = {}
        self._updates = Updates(task.optimizer, {})

    def load(self, params: Mapping[str, Array]) -> None:
        self._params = {name: param.astype(self._dtype) for name, param in params.items()}
        self._updates = Updates(self._task.optimizer, self._params)
        self._running.reset()

    def dump(self) -> dict[str, Array]:
        return {name: param.copy() for name, param in self._params.items()}

    def parameter_count(self) -> int:
        return sum(param.size for param in self._params.values())

    def stage(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def step(self, batch: tuple[Array, Array]) -> Value:
        loss, gradients = self._gradient(self._params, batch)
        self._params = self._updates.apply(self._params, gradients)
        return loss

    def logits(self, batch: tuple[Array, Array]) -> Value:
        self._running.training = False
        return self._logits(self._params, batch[0], lambda layer, value: value)

    def unbiased_logits(self, batch: tuple[Array, Array]) -> Value:
        """Logits with running variances over n - 1, where `logits` uses those over n."""
        self._running.unbiased = True
        logits = self.logits(batch)
        self._running.unbiased = False
        return logits

    def grads(self, batch: tuple[Array, Array]) -> dict[str, Array]:
        gradients: dict[str, Array] = self._gradient(self._params, batch)[1]
        return gradients

    def numpy(self, value: Value) -> Array:
        return np.asarray(value)

    def sync(self) -> None:
        """Does nothing: numpy has finished when a call returns."""

    def peak_device_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        """The session's objects are all that it holds."""

    def _loss(self, params: Mapping[str, Value], batch: tuple[Array, Array]) -> Value:
        x, y = batch
        self._running.training = True
        return LOSSES[self._task.loss](self._logits(params, x, self._drop), y)

    def _drop(self, layer: str, x: Value) -> Value:
        """Zero values at the task's rate, and scale the others so that the mean is kept."""
        keep = 1 - self._task.dropout[layer]
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
