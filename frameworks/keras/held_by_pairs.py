"""Sparse matrices that backends hold by pairs of a row and a column."""

from __future__ import annotations

import keras
import numpy as np

from bench.core.arrays import Array
from bench.core.setting import Setting


class HeldByPairs(keras.layers.Layer):
    """A sparse matrix in weights that are not trained, which a compiled step reads as any others.

    So a program has no constants of its size. `PAIRS` is the type of the backend's indices.
    """

    PAIRS: str

    def __init__(self, size: tuple[int, int], entries: int, setting: Setting) -> None:
        super().__init__()
        self._size = size
        self.pairs = self.add_weight((entries, 2), dtype=self.PAIRS, trainable=False, name="pairs")
        self.entries = self.add_weight((entries,), trainable=False, name="entries")
        self.built = True

    def take(self, entries: Array) -> None:
        """`entries` are structured, (entries,), as `bench.core.graph` has them, by rows."""
        self.pairs.assign(np.stack([entries["row"], entries["column"]], axis=1))
        self.entries.assign(entries["value"].copy())
