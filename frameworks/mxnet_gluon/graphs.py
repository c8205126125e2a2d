"""Graphs in MXNet: sparse matrices, and the convolution by them."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.ndarray.sparse import CSRNDArray

from bench.core.arrays import Array


def sparse_matrix(entries: Array, size: tuple[int, int], context: mx.Context) -> CSRNDArray:
    """MXNet's, by rows.

    `entries` are structured, (1, entries), as `bench.core.graph` has them.
    """
    (found,) = entries
    starts = np.searchsorted(found["row"], np.arange(size[0] + 1))
    parts = (found["value"].copy(), found["column"].copy(), starts)
    return mx.nd.sparse.csr_matrix(parts, shape=size, ctx=context, dtype=parts[0].dtype)


class GraphConvolution(HybridBlock):
    """A x W + b, with A a sparse matrix of links."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(inputs, outputs))
        self.bias = self.params.get("bias", shape=(outputs,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, links: Any, weight: Any, bias: Any) -> Any:  # noqa: N803
        """Of (nodes, in), dense or sparse."""
        return F.broadcast_add(F.dot(links, F.dot(x, weight)), bias)
