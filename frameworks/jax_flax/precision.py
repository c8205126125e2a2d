"""How Flax sets a precision: a dtype for the layers, and DynamicScale for float16."""

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
    """Choose how a GPU computes float32 products, for which its default is TF32."""
    products = "tensorfloat32" if precision == "tf32" else "highest"
    jax.config.update("jax_default_matmul_precision", products)


def set_layers(precision: Precision, model: nnx.Module) -> None:
    """Give every layer the type that it stores weights in, and the type that it computes in."""
    stored_in = storage_dtype(precision)
    model.set_attributes(dtype=COMPUTED_IN.get(precision, stored_in), param_dtype=stored_in)


class Forward:
    """A network's forward pass, and that of each of its parts, by its name.

    Outputs have the type that weights are `stored_in`: in mixed precision, layers compute in 16
    bits.
    """

    def __init__(self, forward: Callable[..., Any], stored_in: str) -> None:
        self._forward = forward
        self._stored_in = stored_in

    def __call__(self, *inputs: Any) -> Any:
        return jax.tree.map(lambda out: out.astype(self._stored_in), self._forward(*inputs))

    def __getattr__(self, part: str) -> Forward:
        return Forward(getattr(self._forward, part), self._stored_in)


def make_scale(precision: Precision) -> DynamicScale | None:
    """The scale of the loss, for float16 only: the other types have the range of float32."""
    if precision != "fp16":
        return None
    # Arrays, as a step returns: with Python's numbers the second step would compile again.
    return DynamicScale(fin_steps=jnp.int32(0), scale=jnp.float32(LOSS_SCALE))


def value_and_grad(
    loss_of: Callable[[Any], Any], params: Any, scale: DynamicScale | None
) -> tuple[Any, Any, DynamicScale | None, jax.Array | bool]:
    """What `loss_of` returns, its gradients, the next scale, and whether all of them are finite.

    If a scaled gradient overflows, the scale is lowered and the step must be skipped.
    """
    if scale is None:
        value, gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        return value, gradients, None, True
    scale, finite, value, gradients = scale.value_and_grad(loss_of, has_aux=True)(params)
    return value, gradients, scale, finite


def chosen(finite: jax.Array | bool, new: Any, old: Any) -> Any:
    """The new tree if all is finite, else the old one."""
    if finite is True:
        return new
    return jax.tree.map(partial(jnp.where, finite), new, old)
