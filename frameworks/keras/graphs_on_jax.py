"""Graphs in JAX: sparse matrices, and their products with dense ones."""

from __future__ import annotations

import jax
from jax.experimental.sparse import BCOO

from frameworks.keras.held_by_pairs import HeldByPairs


class HeldMatrix(HeldByPairs):
    """JAX's sparse matrix."""

    PAIRS = "int32"

    @property
    def native(self) -> BCOO:
        parts = self.entries.value, self.pairs.value
        return BCOO(parts, shape=self._size, indices_sorted=True, unique_indices=True)


def product(matrix: BCOO, x: jax.Array) -> jax.Array:
    """Of a sparse matrix and of (columns, features)."""
    found: jax.Array = matrix @ x
    return found
