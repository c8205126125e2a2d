"""Graphs in JAX/Flax: sparse matrices, and the convolution by them."""

from __future__ import annotations

import jax
import numpy as np
from flax import nnx
from jax import numpy as jnp
from jax.experimental.sparse import BCOO

from bench.core.arrays import Array


def sparse_matrix(entries: Array, size: tuple[int, int]) -> BCOO:
    """JAX's, by pairs of a row and a column.

    `entries` are structured, (1, entries), as `bench.core.graph` has them.
    """
    (found,) = entries
    pairs = np.stack([found["row"], found["column"]], axis=1)
    parts = jnp.asarray(found["value"]), jnp.asarray(pairs)
    return BCOO(parts, shape=size, indices_sorted=True, unique_indices=True)


class GraphConvolution(nnx.Module):
    """A x W + b, with A a sparse matrix of links."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        start = nnx.initializers.glorot_uniform()
        self.kernel = nnx.Param(start(rngs.params(), (inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros(outputs))
        self.dtype = self.param_dtype = "float32"

    def __call__(self, x: jax.Array | BCOO, links: BCOO) -> jax.Array:
        """Of (nodes, in), dense or sparse."""
        parts = (links, x, self.kernel[...], self.bias[...])
        links, x, kernel, bias = (part.astype(self.dtype) for part in parts)
        y: jax.Array = links @ (x @ kernel) + bias
        return y
