"""Graphs in Keras: the convolution by sparse matrices."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class GraphConvolution(keras.layers.Layer):
    """A x W + b, with A a sparse matrix of links.

    If it multiplies `by_segments`, a product is a sum over the entries of each row. This is for
    XLA, which has nothing sparse; elsewhere TensorFlow's own product takes a fraction of the time.
    """

    def __init__(self, inputs: int, outputs: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.by_segments = False
        self.kernel = self.add_weight(shape=(inputs, outputs), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")

    def call(self, x: Any, links: Any) -> Any:
        """Of (nodes, in), dense or sparse."""
        x = self._times(x, self.kernel) if hasattr(x, "indices") else ops.matmul(x, self.kernel)
        return self._times(links, x) + self.bias

    def _times(self, matrix: Any, x: Any) -> Any:
        if not self.by_segments:
            return ops.matmul(matrix, x)
        terms = ops.take(x, matrix.indices[:, 1], axis=0) * matrix.values[:, None]
        return ops.segment_sum(terms, matrix.indices[:, 0], num_segments=matrix.shape[0])
