"""Graphs in JAX: sparse matrices, and their products with dense ones."""

from __future__ import annotations

import jax
import keras
import numpy as np
from jax.experimental.sparse import BCOO

from bench.core.arrays import Array
from bench.core.setting import Setting


class HeldMatrix(keras.layers.Layer):
    """JAX's sparse matrix, by pairs of a row and a column, in weights that are not trained.

    So a compiled step reads it, as it reads all weights, and has no constants of its size.
    """

    def __init__(self, size: tuple[int, int], entries: int, setting: Setting) -> None:
        super().__init__()
        self._size = size
        self.pairs = self.add_weight((entries, 2), dtype="int32", trainable=False, name="pairs")
        self.entries = self.add_weight((entries,), trainable=False, name="entries")
        self.built = True

    def take(self, entries: Array) -> None:
        """`entries` are structured, (entries,), as `bench.core.graph` has them, by rows."""
        self.pairs.assign(np.stack([entries["row"], entries["column"]], axis=1))
        self.entries.assign(entries["value"].copy())

    @property
    def native(self) -> BCOO:
        parts = self.entries.value, self.pairs.value
        return BCOO(parts, shape=self._size, indices_sorted=True, unique_indices=True)


def product(matrix: BCOO, x: jax.Array) -> jax.Array:
    """Of a sparse matrix and of (columns, features)."""
    found: jax.Array = matrix @ x
    return found
