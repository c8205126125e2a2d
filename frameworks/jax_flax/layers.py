"""Layers that Flax has not, or not as they are needed.

Of max pooling it has only a function, whose gradient is slow in XLA on a CPU.
"""

from __future__ import annotations

from typing import Any

from flax import nnx
from flax.nnx.nn.attention import dot_product_attention_weights
from jax import Array, lax
from jax import numpy as jnp


def larger(a: Array, b: Array) -> Array:
    """The larger of two values. Of equal values, `a`, which gets the whole gradient.

    jnp.maximum and jnp.max would share the gradient between equal values, which flat regions of
    real pictures have.
    """
    return jnp.where(a < b, b, a)


class LayerNorm(nnx.LayerNorm):
    """Flax's normalization of each step's features, with the variance as other frameworks have it.

    Flax's default, E[x^2] - E[x]^2, loses digits. Without it, Flax subtracts the mean twice, once
    for the variance, and XLA's programs for a CPU then take a tenth longer for a whole GPT. If it
    `centres_once`, x - mean is computed once. Lower precisions, which Flax reduces in float32, are
    left to it.
    """

    def __init__(self, features: int, **settings: Any) -> None:
        super().__init__(features, use_fast_variance=False, **settings)
        self.centres_once = False

    def __call__(self, x: Array) -> Array:  # type: ignore[override]
        if not self.centres_once or self.dtype not in ("float32", "float64"):
            return super().__call__(x)
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        y = centred * lax.rsqrt(variance + self.epsilon) * self.scale[...]
        return y if self.bias is None else y + self.bias[...]


class MaxPool(nnx.Module):
    """The largest of each 2x2 square, (N, H, W, C) -> (N, H//2, W//2, C).

    `by_comparison` computes it by comparisons, whose gradient XLA fuses with its surroundings. The
    gradient of nnx.max_pool is a single operator (SelectAndScatter), which XLA runs on a CPU
    element by element.
    """

    def __init__(self) -> None:
        self.by_comparison = False

    def __call__(self, x: Array) -> Array:
        if not self.by_comparison:
            return nnx.max_pool(x, (2, 2), strides=(2, 2))
        n, height, width, channels = x.shape
        rows, columns = height // 2, width // 2
        x = x[:, : rows * 2, : columns * 2].reshape(n, rows, 2, columns, 2, channels)
        x = larger(x[:, :, :, :, 0], x[:, :, :, :, 1])  # (N, rows, 2, columns, C)
        return larger(x[:, :, 0], x[:, :, 1])


def rows(x: Array) -> Array:
    """All steps of all examples one below the other: (..., features) -> (steps, features).

    On a CPU, XLA multiplies a stack of matrices more slowly than one.
    """
    return x.reshape(-1, x.shape[-1])


class Attention(nnx.MultiHeadAttention):
    """Flax's attention of a sequence to itself, without biases, whose four products are of rows."""

    def __init__(self, heads: int, features: int, *, rngs: nnx.Rngs) -> None:
        super().__init__(heads, features, use_bias=False, decode=False, rngs=rngs)

    def __call__(self, x: Array, *, is_causal: bool = False) -> Array:  # type: ignore[override]
        """Of (N, T, features), in the same shape."""
        shape = (*x.shape[:2], self.num_heads, -1)  # (N, T, heads, size)
        every = rows(x)
        q, k, v = (part(every).reshape(shape) for part in (self.query, self.key, self.value))
        y = attention(q, k, v, is_causal=is_causal)
        return self.out(y.reshape(-1, *y.shape[2:])).reshape(x.shape)


def attention(query: Array, key: Array, value: Array, *, is_causal: bool) -> Array:
    """Flax's function of queries, keys and values, (N, T, heads, size) each, as the result is.

    In float64 it is put together, as JAX's own has a softmax in float32.
    """
    if query.dtype != jnp.float64:
        return nnx.dot_product_attention(query, key, value, is_causal=is_causal)
    weights = dot_product_attention_weights(query, key, is_causal=is_causal)
    return jnp.einsum("nhqk,nkhs->nqhs", weights, value)
