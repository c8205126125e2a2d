"""JAX/Flax's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial, reduce
from importlib.metadata import PackageNotFoundError, version
from operator import getitem
from typing import Any

import flax
import jax
import jaxlib
import numpy as np
import optax
from flax import nnx
from jax import numpy as jnp

from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.attention import KINDS
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights
from bench.core.readers import BatchFormat
from bench.core.recurrent import recurrent_names
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from frameworks.jax_flax.graphs import sparse_matrix
from frameworks.jax_flax.losses import LOSSES
from frameworks.jax_flax.optimizers import make_optimizer, state_of
from frameworks.jax_flax.precision import set_layers, set_products
from frameworks.jax_flax.programs import Programs, UpdateStep

LAYOUT = Layout(
    axes={
        "dense": (1, 0),  # (out, in) -> (in, out)
        "conv": (2, 3, 1, 0),  # (out, in, height, width) -> (height, width, in, out)
        "lstm_input": (1, 0),  # (4 * hidden, in) -> (in, 4 * hidden); the gates' order is the same
        "lstm_recurrent": (1, 0),
        "gru_input": (1, 0),  # (3 * hidden, in) -> (in, 3 * hidden); the gates' order is the same
        "gru_recurrent": (1, 0),
        "graph": (1, 0),
        "canvas": (0, 2, 3, 1),  # (1, channels, height, width) -> (1, height, width, channels)
        **dict.fromkeys(KINDS, (1, 0)),
    },
    names={
        "dense": "kernel",
        "conv": "kernel",
        "graph": "kernel",
        "embedding": "embedding",
        **recurrent_names(
            inputs="cell.dense_i.kernel",
            recurrent="cell.dense_h.kernel",
            bias="cell.dense_i.bias",
            recurrent_bias="cell.dense_h.bias",
        ),
        "lstm_bias": "cell.dense_h.bias",  # the only one that Flax's LSTM has
        "norm_scale": "scale",
        "attention_query": "query.kernel",
        "attention_key": "key.kernel",
        "attention_value": "value.kernel",
        "attention_output": "out.kernel",
    },
    headed=frozenset(KINDS),  # (in, heads, size), and (heads, size, out)
    sides=("forward_rnn", "backward_rnn"),
    stacked=("{stack}.{depth}", "{side}.{attribute}"),
    channels_last=True,
)

MODES = ("compiled",)

# Switches of JAX that check what is computed, or keep it from being compiled as it would be.
DEBUGGING = (
    "jax_check_tracer_leaks",
    "jax_debug_infs",
    "jax_debug_nans",
    "jax_disable_jit",
    "jax_disable_most_optimizations",
    "jax_enable_checks",
)


def child(module: nnx.Module, name: str) -> Any:
    """A module's attribute, or the module at a place of a sequence if `name` is a number."""
    return module.layers[int(name)] if name.isdigit() else getattr(module, name)


class JaxFlaxSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting, seed: int) -> None:
        require_mode(mode, MODES)
        expert = setting.tuning == "expert"
        self._device = setting.device
        self._dtype = storage_dtype(setting.precision)
        # 32-bit integers are JAX's default: it would truncate 64-bit ones.
        self.format = BatchFormat(
            channels_last=True, floats=self._dtype, labels="int32", tokens="int32"
        )
        self._task = task
        module = network_module(__package__, task)

        def build() -> nnx.Module:
            network: nnx.Module = module.build(task, nnx.Rngs(seed))
            return network

        # This network is not trained. It shows `dump` and `load` where a state's arrays belong. It
        # is built as one program: otherwise each operator that draws a weight is compiled alone.
        self._model = nnx.jit(build)() if expert else build()
        set_layers(setting.precision, self._model)
        if expert and setting.device == "cpu":
            self._model.set_attributes(
                by_comparison=True, centres_once=True, raise_if_not_found=False
            )
        self._weights: NetworkWeights[nnx.Param] = NetworkWeights(
            task,
            LAYOUT,
            self._dtype,
            lambda parameter: reduce(child, LAYOUT.native_name(parameter).split("."), self._model),
            names=[
                ".".join(map(str, path))
                for path, _ in nnx.state(self._model, nnx.Param).flat_state()
            ],
        )
        # By identity, because variables are compared by their values.
        self._paths = {id(variable): path for path, variable in nnx.iter_graph(self._model)}
        updates = [
            UpdateStep(
                loss,
                make_optimizer(
                    update.optimizer,
                    clip=update.clip,
                    spared={
                        self._paths[id(variable)]
                        for own, variables in self._weights.by_formula(update)
                        for variable in variables
                        if own != update.optimizer  # the formula without decay
                    },
                ),
                {self._paths[id(variable)] for variable in self._weights.moved_by(update)},
            )
            for update, loss in zip(task.updates, losses(module, task, LOSSES), strict=True)
        ]
        self._inputs = slice(len(task.inputs))
        self._programs = Programs(self._model, updates, setting.precision)
        self._state = self._programs.start(
            nnx.state(self._model, nnx.Param), nnx.state(self._model, nnx.Not(nnx.Param))
        )
        self._last: Any = None  # the result that was last requested of the device, besides steps

    def load(self, params: Mapping[str, Array]) -> None:
        for variable, native in self._weights.to_load(params):
            variable.set_value(self._copied(native))
        state = nnx.state(self._model, nnx.Param)
        # Dropout's generator is not reset, because two trainings must not drop the same units.
        other = self._programs.trees(self._state)[1]
        # Running means and variances are reset to those of the model, which are never trained.
        initial = nnx.state(self._model, nnx.BatchStat)
        copies = jax.tree.map(self._copied, initial)
        other = nnx.merge_state(other, copies)
        self._state = self._programs.start(state, other)

    def _copied(self, value: Any) -> jax.Array:
        """A copy on the device: a step overwrites the memory of its state.

        Not by jnp.array, which compiles a program for each shape.
        """
        return jax.device_put(np.asarray(value, self._dtype), may_alias=False)

    def dump(self) -> dict[str, Array]:
        params = self._programs.trees(self._state)[0]
        return self._weights.canonical(partial(self._read, params))

    def _read(self, tree: nnx.State, variable: nnx.Param) -> Array:
        """The value that a tree like that of the weights has for one of the model's variables."""
        return np.asarray(reduce(getitem, self._paths[id(variable)], tree).get_value())

    def parameter_count(self) -> int:
        return self._programs.trained_values(self._state)

    def state(self) -> dict[str, Array]:
        return self._weights.state(
            self._programs.trees(self._state)[2],
            lambda moments, name, variable: self._read(state_of(moments, name), variable),
        )

    def stage(self, batch: Mapping[str, Array]) -> tuple[Any, ...]:
        matrices = self._task.matrices
        tensors: tuple[Any, ...] = tuple(
            [
                sparse_matrix(array, matrices[name]) if name in matrices else array
                for name, array in batch.items()
            ]
        )
        if self._device == "cuda":
            self._last = tensors = jax.device_put(tensors)
        # On the CPU, NumPy's arrays are passed to the jitted step, as in JAX's guides: that takes a
        # third of the time of converting them to JAX's own.
        return tensors

    def step(self, batch: tuple[Any, ...]) -> tuple[jax.Array, ...]:
        self._state, step_losses = self._programs.train(self._state, *batch)
        return step_losses

    def outputs(self, batch: tuple[Any, ...]) -> dict[str, jax.Array]:
        self._last = self._programs.evaluate(self._state, *batch[self._inputs])
        return named_outputs(self._task, self._last)

    def gradients(self, batch: tuple[Any, ...]) -> dict[str, Array]:
        every: dict[str, Array] = {}
        trees = self._programs.gradients(self._state, *batch)
        for update, tree in zip(self._task.updates, trees, strict=True):
            every |= self._weights.canonical(partial(self._read, tree), update=update)
        return every

    def numpy(self, value: jax.Array) -> Array:
        return np.asarray(value)

    def sync(self) -> None:
        jax.block_until_ready((self._state, self._last))

    def peak_device_bytes(self) -> int | None:
        if self._device == "cpu":
            return None
        return int(jax.local_devices()[0].memory_stats()["peak_bytes_in_use"])

    def compiled_programs(self) -> int | None:
        return self._programs.train._cache_size()

    def close(self) -> None:
        self._state.clear()
        self._last = None


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

    def debugging_aids(self) -> list[str]:
        return [name for name in DEBUGGING if jax.config.values[name]]

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
