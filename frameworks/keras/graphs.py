"""Graphs in Keras: the convolution by sparse matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class GraphConvolution(keras.layers.Layer):
    """A x W + b, with A a sparse matrix of links; `sparse` says whether x is one, too.

    `product` multiplies a sparse matrix by a dense one. Keras's own looks rows up as an embedding
    does on TensorFlow, which takes several times as long as TensorFlow's product, and PyTorch's
    sparse matrices are none to it; so whoever trains the network sets the backend's.
    """

    def __init__(self, inputs: int, outputs: int, *, sparse: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.product: Callable[[Any, Any], Any] = ops.matmul
        self.sparse = sparse
        self.kernel = self.add_weight(shape=(inputs, outputs), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: Any, links: Any) -> Any:
        """Of (nodes, in), dense or sparse."""
        multiply = self.product if self.sparse else ops.matmul
        return self.product(links, multiply(x, self.kernel)) + self.bias
