"""Graphs in TensorFlow: sparse matrices, and their products with dense ones."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from bench.core.arrays import Array
from frameworks.keras.held_by_pairs import HeldByPairs


def sparse_matrix(entries: Array, size: tuple[int, int]) -> tf.SparseTensor:
    """TensorFlow's, by pairs of a row and a column.

    `entries` are structured, (1, entries), as `bench.core.graph` has them.
    """
    (found,) = entries
    pairs = np.stack([found["row"], found["column"]], axis=1)
    return tf.SparseTensor(pairs, tf.constant(found["value"].copy()), size)


class HeldMatrix(HeldByPairs):
    """The same, held by a model."""

    PAIRS = "int64"

    @property
    def native(self) -> tf.SparseTensor:
        parts = self.pairs.value, self.entries.value
        return tf.SparseTensor(*map(tf.convert_to_tensor, parts), self._size)


def product(matrix: tf.SparseTensor, x: tf.Tensor) -> tf.Tensor:
    """Of a sparse matrix and of (columns, features)."""
    x = tf.convert_to_tensor(x)
    return tf.sparse.sparse_dense_matmul(matrix_in(matrix, x.dtype), x)


def product_by_segments(matrix: tf.SparseTensor, x: tf.Tensor) -> tf.Tensor:
    """The same as a sum over the entries of each row, for XLA, which has nothing sparse."""
    x = tf.convert_to_tensor(x)
    values = matrix_in(matrix, x.dtype).values
    terms = tf.gather(x, matrix.indices[:, 1]) * values[:, None]
    return tf.math.unsorted_segment_sum(terms, matrix.indices[:, 0], matrix.shape[0])


def matrix_in(matrix: tf.SparseTensor, dtype: tf.DType) -> tf.SparseTensor:
    """A sparse matrix with values of this type."""
    return matrix if matrix.dtype == dtype else tf.cast(matrix, dtype)
