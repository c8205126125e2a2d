"""JAX/Flax's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import reduce
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import flax
import jax
import jaxlib
import numpy as np
import optax
from flax import nnx
from jax import numpy as jnp

from bench.core.adapter import BatchFormat, network_module, require_mode
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights, recurrent_names
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from bench.core.weights import Array
from frameworks.jax_flax.optimizers import make_optimizer
from frameworks.jax_flax.precision import (
    chosen,
    make_scale,
    set_layers,
    set_products,
    value_and_grad,
)

LAYOUT = Layout(
    axes={
        "dense": (1, 0),  # (out, in) -> (in, out)
        "conv": (2, 3, 1, 0),  # (out, in, height, width) -> (height, width, in, out)
        "lstm_input": (1, 0),  # (4 * hidden, in) -> (in, 4 * hidden); the gates' order is the same
        "lstm_recurrent": (1, 0),
        "gru_input": (1, 0),  # (3 * hidden, in) -> (in, 3 * hidden); the gates' order is the same
        "gru_recurrent": (1, 0),
    },
    names={
        "dense": "kernel",
        "conv": "kernel",
        "embedding": "embedding",
        **recurrent_names(
            inputs="cell.dense_i.kernel",
            recurrent="cell.dense_h.kernel",
            bias="cell.dense_i.bias",
            recurrent_bias="cell.dense_h.bias",
        ),
        "lstm_bias": "cell.dense_h.bias",  # the only one that Flax's LSTM has
        "norm_scale": "scale",
    },
    channels_last=True,
)

LOSSES = {
    "softmax_cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
    "sigmoid_cross_entropy": optax.sigmoid_binary_cross_entropy,
}

MODES = ("compiled",)


def child(module: nnx.Module, name: str) -> Any:
    """A module's attribute, or the module at a place of a sequence if `name` is a number."""
    return module.layers[int(name)] if name.isdigit() else getattr(module, name)


class JaxFlaxSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting, seed: int) -> None:
        require_mode(mode, MODES)
        expert = setting.tuning == "expert"
        self._device = setting.device
        self._precision = setting.precision
        self._dtype = storage_dtype(setting.precision)
        # 32-bit integers are JAX's default: it would truncate 64-bit ones.
        self.format = BatchFormat(
            channels_last=True, floats=self._dtype, labels="int32", tokens="int32"
        )
        module = network_module(__package__, task)

        def build() -> nnx.Module:
            network: nnx.Module = module.build(task, nnx.Rngs(seed))
            return network

        # This network is not trained. It shows `dump` and `load` where a state's arrays belong. It
        # is built as one program: otherwise each operator that draws a weight is compiled alone.
        self._model = nnx.jit(build)() if expert else build()
        set_layers(setting.precision, self._model)
        if expert and setting.device == "cpu":
            self._model.set_attributes(by_comparison=True, raise_if_not_found=False)
        self._weights: NetworkWeights[nnx.Param] = NetworkWeights(
            task,
            LAYOUT,
            self._dtype,
            lambda parameter: reduce(child, LAYOUT.native_name(parameter).split("."), self._model),
        )
        self._optimizer = make_optimizer(task.optimizer)
        self._moments = jax.jit(self._optimizer.init)
        self._criterion = LOSSES[task.loss]
        # Pure functions of arrays, because nnx.jit would walk the network in Python at each call.
        self._model.eval()
        self._evaluating = nnx.graphdef(self._model)
        self._model.train()
        self._training, params, other = nnx.split(self._model, nnx.Param, ...)
        self._state, self._structure = jax.tree.flatten(
            (params, other, self._moments(params), make_scale(setting.precision))
        )
        # The step overwrites the memory of the state that it is given.
        self._train_step = jax.jit(self._train, donate_argnums=0)
        self._gradients_step = jax.jit(self._gradients)
        self._forward = jax.jit(self._evaluate)
        self._last: Any = None  # the result that was last requested of the device, besides steps

    def load(self, params: Mapping[str, Array]) -> None:
        for variable, native in self._weights.to_load(params):
            variable.set_value(self._copied(native))
        state = nnx.state(self._model, nnx.Param)
        # Dropout's generator is not reset, because two trainings must not drop the same units.
        other = self._trees()[1]
        # Running means and variances are reset to those of the model, which are never trained.
        initial = nnx.state(self._model, nnx.BatchStat)
        copies = jax.tree.map(self._copied, initial)
        other = nnx.merge_state(other, copies)
        scale = make_scale(self._precision)
        self._state = jax.tree.leaves((state, other, self._moments(state), scale))

    def _copied(self, value: Any) -> jax.Array:
        """A copy on the device: a step overwrites the memory of its state.

        Not by jnp.array, which compiles a program for each shape.
        """
        return jax.device_put(np.asarray(value, self._dtype), may_alias=False)

    def dump(self) -> dict[str, Array]:
        return self._canonical(self._trees()[0])

    def _canonical(self, state: nnx.State) -> dict[str, Array]:
        nnx.update(self._model, state)
        return self._weights.canonical(lambda variable: np.asarray(variable.get_value()))

    def parameter_count(self) -> int:
        return sum(leaf.size for leaf in jax.tree.leaves(self._trees()[0]))

    def stage(self, x: Array, y: Array) -> tuple[Any, Any]:
        batch = x, y
        if self._device == "cuda":
            self._last = batch = jax.device_put(batch)
        # On the CPU, NumPy's arrays are passed to the jitted step, as in JAX's guides: that takes a
        # third of the time of converting them to JAX's own.
        return batch

    def step(self, batch: tuple[Any, Any]) -> jax.Array:
        x, y = batch
        self._state, loss = self._train_step(self._state, x, y)
        return loss

    def logits(self, batch: tuple[Any, Any]) -> jax.Array:
        self._last = self._forward(self._state, batch[0])
        return self._last

    def grads(self, batch: tuple[Any, Any]) -> dict[str, Array]:
        x, y = batch
        return self._canonical(self._gradients_step(self._state, x, y))

    def numpy(self, value: jax.Array) -> Array:
        return np.asarray(value)

    def sync(self) -> None:
        jax.block_until_ready((self._state, self._last))

    def peak_device_bytes(self) -> int | None:
        if self._device == "cpu":
            return None
        return int(jax.local_devices()[0].memory_stats()["peak_bytes_in_use"])

    def close(self) -> None:
        self._state.clear()
        self._last = None

    def _trees(self, state: list[jax.Array] | None = None) -> tuple[nnx.State, nnx.State, Any, Any]:
        """A state's parts: weights, the network's other values, the optimizer's state, loss scale.

        The other values are dropout's generator and the running statistics of batch normalization.
        The scale is None where the loss is not scaled.
        """
        trees: tuple[nnx.State, nnx.State, Any, Any] = jax.tree.unflatten(
            self._structure, self._state if state is None else state
        )
        return trees

    def _train(
        self, state: list[jax.Array], x: jax.Array, y: jax.Array
    ) -> tuple[list[jax.Array], jax.Array]:
        params, other, moments, scale = self._trees(state)
        (loss, other), gradients, scale, finite = value_and_grad(
            self._loss_of(other, x, y), params, scale
        )
        updates, next_moments = self._optimizer.update(gradients, moments, params)
        next_params = optax.apply_updates(params, updates)
        trained = chosen(finite, (next_params, next_moments), (params, moments))
        return jax.tree.leaves((trained[0], other, trained[1], scale)), loss

    def _gradients(self, state: list[jax.Array], x: jax.Array, y: jax.Array) -> nnx.State:
        params, other, _, scale = self._trees(state)
        gradients: nnx.State = value_and_grad(self._loss_of(other, x, y), params, scale)[1]
        return gradients

    def _loss_of(
        self, other: nnx.State, x: jax.Array, y: jax.Array
    ) -> Callable[[nnx.State], tuple[jax.Array, nnx.State]]:
        """A function of the weights: the batch's mean loss, and the network's new other values."""

        def loss_of(params: nnx.State) -> tuple[jax.Array, nnx.State]:
            model = nnx.merge(self._training, params, other, copy=True)
            loss = self._criterion(model(x).astype(self._dtype), y).mean()
            return loss, nnx.state(model, nnx.Not(nnx.Param))

        return loss_of

    def _evaluate(self, state: list[jax.Array], x: jax.Array) -> jax.Array:
        params, other, *_ = self._trees(state)
        return nnx.merge(self._evaluating, params, other)(x).astype(self._dtype)


class JaxFlaxAdapter:
    def set_up(self, setting: Setting) -> None:
        # Threads are set by NPROC, which JAX reads when its first array is created.
        jax.config.update("jax_platforms", setting.device)
        jax.config.update("jax_enable_x64", setting.precision == "float64")
        set_products(setting.precision)
        # Every process compiles again: a cache on disk would make later first steps look cheap.
        jax.config.update("jax_enable_compilation_cache", False)
        try:
            jax.devices()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise UnsupportedError(
                f"jax {jax.__version__} cannot use the device {setting.device!r} here: {reason}"
            ) from error

    def versions(self, device: Device) -> dict[str, str]:
        versions = {
            "jax": jax.__version__,
            "jaxlib": jaxlib.__version__,
            "flax": flax.__version__,
            "optax": optax.__version__,
            "numpy": np.__version__,
        }
        if device == "cuda":
            # "PJRT C API\ncuda 13000"
            versions["cuda"] = jax.local_devices()[0].client.platform_version.split()[-1]
            for package in ("nvidia-cudnn-cu13", "nvidia-cudnn-cu12"):  # JAX does not say
                with suppress(PackageNotFoundError):
                    versions.setdefault("cudnn", version(package))
        return versions

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> JaxFlaxSession:
        return JaxFlaxSession(task, mode=mode, setting=setting, seed=seed)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = jnp.array(a), jnp.array(b)
        product = jax.jit(jnp.matmul)

        def run() -> None:
            product(left, right).block_until_ready()

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = jnp.array(total), jnp.array(addend)
        add = jax.jit(jnp.add, donate_argnums=0)

        def run() -> None:
            nonlocal sums
            sums = add(sums, addends).block_until_ready()

        return run


ADAPTER: Any = JaxFlaxAdapter()
