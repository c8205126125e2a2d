"""The reference's engine: formulas, gradients by autograd, updates as the task states them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

import autograd
import numpy as np

from bench.core.adapter import BatchFormat, Layout
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from bench.core.task import SGD, Task
from bench.core.weights import Array
from frameworks.reference.layers import LOSSES, Running, Value

LAYOUT = Layout(axes={})  # the canonical axes themselves


class ReferenceSession:
    format = BatchFormat(labels="int64", tokens="int64")

    def __init__(self, task: Task, *, setting: Setting, seed: int) -> None:
        self._task = task
        self._dtype = setting.precision
        self._random = np.random.default_rng(seed)
        module = importlib.import_module(f"frameworks.reference.models.{task.network}")
        self._logits = module.logits
        self._running = Running()
        if task.batch_norm:
            self._logits = partial(module.logits, running=self._running)
        self._gradient = autograd.value_and_grad(self._loss)  # by the first argument
        self._params: dict[str, Array] = {}
        self._first: dict[str, Array] = {}
        self._second: dict[str, Array] = {}
        self._steps = 0

    def _loss(self, params: Mapping[str, Value], batch: tuple[Array, Array]) -> Value:
        x, y = batch
        self._running.training = True
        return LOSSES[self._task.loss](self._logits(params, x, self._drop), y)

    def _drop(self, layer: str, x: Value) -> Value:
        """Zero at the task's rate, and scale what is left so that the mean is kept."""
        keep = 1 - self._task.dropout[layer]
        return x * ((self._random.random(x.shape) < keep) / keep).astype(self._dtype)

    def load(self, params: Mapping[str, Array]) -> None:
        for parameter in self._task.parameters:
            canonical = params[parameter.name]
            native = LAYOUT.to_native(parameter, canonical, parameter.shape).astype(self._dtype)
            self._params[parameter.name] = native
            self._first[parameter.name] = np.zeros_like(native)
            self._second[parameter.name] = np.zeros_like(native)
        self._steps = 0
        self._running.reset()

    def dump(self) -> dict[str, Array]:
        return {p.name: LAYOUT.to_canonical(p, self._params[p.name]) for p in self._task.parameters}

    def parameter_count(self) -> int:
        return sum(value.size for value in self._params.values())

    def stage(self, x: Array, y: Array) -> tuple[Array, Array]:
        staged = (
            value.astype(self._dtype) if np.issubdtype(value.dtype, np.floating) else value
            for value in (x, y)
        )
        return next(staged), next(staged)

    def step(self, batch: tuple[Array, Array]) -> Value:
        loss, gradients = self._gradient(self._params, batch)
        self._steps += 1
        for name, gradient in gradients.items():
            self._params[name] = self._params[name] - self._update(name, gradient)
        return loss

    def _update(self, name: str, gradient: Array) -> Array:
        """What is taken off a parameter: the formulas of `bench.core.task`."""
        settings = self._task.optimizer
        first, second = self._first, self._second
        if isinstance(settings, SGD):
            first[name] = settings.momentum * first[name] + gradient
            return settings.learning_rate * first[name]
        first[name] = settings.beta1 * first[name] + (1 - settings.beta1) * gradient
        second[name] = settings.beta2 * second[name] + (1 - settings.beta2) * gradient**2
        mean = first[name] / (1 - settings.beta1**self._steps)
        square = second[name] / (1 - settings.beta2**self._steps)
        update: Array = settings.learning_rate * mean / (np.sqrt(square) + settings.epsilon)
        return update

    def logits(self, batch: tuple[Array, Array]) -> Value:
        self._running.training = False
        return self._logits(self._params, batch[0], lambda layer, value: value)

    def unbiased_logits(self, batch: tuple[Array, Array]) -> Value:
        """Logits by running variances over n - 1: `logits` are by those over n."""
        self._running.unbiased = True
        logits = self.logits(batch)
        self._running.unbiased = False
        return logits

    def grads(self, batch: tuple[Array, Array]) -> dict[str, Array]:
        _, gradients = self._gradient(self._params, batch)
        return {p.name: LAYOUT.to_canonical(p, gradients[p.name]) for p in self._task.parameters}

    def numpy(self, value: Value) -> Array:
        return np.asarray(value)

    def sync(self) -> None:
        """Nothing runs behind numpy's back."""

    def peak_device_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        self._params.clear()


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
        return ReferenceSession(task, setting=setting, seed=seed)

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
