"""Precisions by Flax's own means: a dtype for the layers, and DynamicScale for float16."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import nnx
from flax.training.dynamic_scale import DynamicScale
from jax import numpy as jnp

from bench.core.setting import LOSS_SCALE, Precision, storage_dtype

COMPUTED_IN = {"bf16": "bfloat16", "fp16": "float16"}


def set_products(precision: Precision) -> None:
    """In what products of float32 are computed on a GPU, where the default is TF32."""
    products = "tensorfloat32" if precision == "tf32" else "highest"
    jax.config.update("jax_default_matmul_precision", products)


def set_layers(precision: Precision, model: nnx.Module) -> None:
    """Have every layer keep its weights in one type and compute in another."""
    kept = storage_dtype(precision)
    model.set_attributes(dtype=COMPUTED_IN.get(precision, kept), param_dtype=kept)


def make_scale(precision: Precision) -> DynamicScale | None:
    """What scales the loss, for float16 alone: the others hold what float32 holds."""
    if precision != "fp16":
        return None
    # Arrays, as a step gives back: Python's numbers would have the second step compiled anew.
    return DynamicScale(fin_steps=jnp.int32(0), scale=jnp.float32(LOSS_SCALE))


def value_and_grad(
    loss_of: Callable[[Any], Any], params: Any, scale: DynamicScale | None
) -> tuple[Any, Any, DynamicScale | None, jax.Array | bool]:
    """What `loss_of` gives (a loss, and more), its gradients, the next scale, and if all is finite.

    Where a scaled gradient overflows, the step must be left out, and the scale is lowered.
    """
    if scale is None:
        value, gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        return value, gradients, None, True
    scale, finite, value, gradients = scale.value_and_grad(loss_of, has_aux=True)(params)
    return value, gradients, scale, finite


def chosen(finite: jax.Array | bool, new: Any, old: Any) -> Any:
    """The new tree where all is finite, else the old one."""
    if finite is True:
        return new
    return jax.tree.map(partial(jnp.where, finite), new, old)
