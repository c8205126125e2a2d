"""Keras on JAX."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jaxlib
import keras
from jax import numpy as jnp
from keras import ops

from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from frameworks.keras.graphs_on_jax import HeldMatrix, product

MODES = ("fit", "eager", "train_on_batch")
# JAX's default: it would truncate integers of 64 bits.
INTEGERS = "int32"
# Switches of JAX that check what is computed, or keep it from being compiled as it would be.
DEBUGGING = (
    "jax_check_tracer_leaks",
    "jax_debug_infs",
    "jax_debug_nans",
    "jax_disable_jit",
    "jax_disable_most_optimizations",
    "jax_enable_checks",
)


def set_up(setting: Setting) -> None:
    # Threads are set by NPROC, which JAX reads when its first array is created.
    jax.config.update("jax_platforms", setting.device)
    jax.config.update("jax_enable_x64", setting.precision == "float64")
    products = "tensorfloat32" if setting.precision == "tf32" else "highest"
    jax.config.update("jax_default_matmul_precision", products)
    if setting.precision == "float64":
        jax.nn.dot_product_attention = attention_in_float64
    # Every process compiles again: a cache on disk would make later first steps look cheap.
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        jax.devices()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedError(
            f"jax {jax.__version__} cannot use the device {setting.device!r} here: {reason}"
        ) from error


def attention_in_float64(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    mask: jax.Array | None,
    scale: float,
    is_causal: bool,
    **others: Any,
) -> jax.Array:
    """`jax.nn.dot_product_attention`, whose softmax is in float32: (N, T, heads, size)."""
    scores = jnp.einsum("nthd,nshd->nhts", query, key) * scale
    if is_causal:
        mask = jnp.tri(scores.shape[-2], scores.shape[-1], dtype=bool)
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf)
    return jnp.einsum("nhts,nshd->nthd", jax.nn.softmax(scores), value)


def choose_operators(model: keras.Model, setting: Setting) -> None:
    """Keras's own are as fast as any."""


def choose_products(model: keras.Model, mode: str) -> None:
    """JAX's own sparse product."""
    for layer in model.layers:
        if hasattr(layer, "product"):
            layer.product = product


def held_matrix(size: tuple[int, int], entries: int, setting: Setting) -> HeldMatrix:
    return HeldMatrix(size, entries, setting)


def check(model: keras.Model, mode: str, *, updates: int) -> None:
    if updates > 1:
        raise UnsupportedError(
            "on JAX, Keras's loop carries the state of one optimizer from step to step, and a step "
            f"of this task has {updates}"
        )


def versions(device: Device) -> dict[str, str]:
    found = {"jax": jax.__version__, "jaxlib": jaxlib.__version__}
    if device == "cuda":
        # "PJRT C API\ncuda 13000"
        found["cuda"] = jax.local_devices()[0].client.platform_version.split()[-1]
    return found


def debugging_aids() -> list[str]:
    return [name for name in DEBUGGING if jax.config.values[name]]


def sync(variables: Sequence[keras.Variable]) -> None:
    jax.block_until_ready([variable.value for variable in variables])


def peak_device_bytes() -> int:
    return int(jax.local_devices()[0].memory_stats()["peak_bytes_in_use"])


def compiled_programs(model: keras.Model) -> int:
    if model.train_function is None:
        return 0
    step = inspect.getclosurevars(model.train_function).nonlocals["step_function"]
    compiled = getattr(step, "_cache_size", None)
    return int(compiled()) if compiled else 0


def gradients(
    loss_of: Callable[[], jax.Array], variables: Sequence[keras.Variable]
) -> list[jax.Array]:
    def loss(values: list[jax.Array]) -> jax.Array:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss_of()

    found: list[jax.Array] = jax.grad(loss)([variable.value for variable in variables])
    return found


def ctc(logits: Any, letters: Any, counts: Any) -> Any:
    return ops.ctc_loss(letters, logits, ops.sum(letters != 0, 1), counts)


def dense(gradient: Any) -> Any:
    return gradient


def release() -> None:
    """Nothing is left."""


def matmul(a: Array, b: Array, device: Device) -> Callable[[], None]:
    left, right = jnp.array(a), jnp.array(b)
    product = jax.jit(jnp.matmul)

    def run() -> None:
        product(left, right).block_until_ready()

    return run


def accumulate(total: Array, addend: Array, device: Device) -> Callable[[], None]:
    sums, addends = jnp.array(total), jnp.array(addend)
    add = jax.jit(jnp.add, donate_argnums=0)

    def run() -> None:
        nonlocal sums
        sums = add(sums, addends).block_until_ready()

    return run
