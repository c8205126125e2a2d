"""Graphs in Paddle: sparse matrices, and the convolution by them.

`paddle.sparse.matmul` fails on a CPU, so that a product is a sum over the entries of each row. Of
the operators for that, `embedding` and `scatter_nd_add` are the fastest: `geometric.segment_sum`
takes two thirds longer, and its number of rows is unknown to a static graph.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.arrays import Array

# Rows of the entries, (entries, 1), columns, (entries,), and values, (entries, 1).
Sparse = tuple[Tensor, Tensor, Tensor]


def staged(batch: Mapping[str, Array], matrices: Container[str]) -> tuple[Tensor | Sparse, ...]:
    """A batch's arrays as tensors, but for those that are the entries of sparse `matrices`."""
    return tuple(
        [
            sparse_matrix(array) if name in matrices else paddle.to_tensor(array)
            for name, array in batch.items()
        ]
    )


def sparse_matrix(entries: Array) -> Sparse:
    """A sparse matrix from its entries, (1, entries), as `bench.core.graph` has them."""
    (found,) = entries
    rows, columns, values = (found[name].copy() for name in ("row", "column", "value"))
    parts = (rows[:, None], columns, values[:, None])
    return tuple(map(paddle.to_tensor, parts))


def product(matrix: Sparse, x: Tensor, count: int) -> Tensor:
    """Of a sparse matrix of `count` rows, and of (columns, features)."""
    rows, columns, values = matrix
    zeros = paddle.zeros([count, x.shape[1]], x.dtype)
    return paddle.scatter_nd_add(zeros, rows, F.embedding(columns, x) * values)


class GraphConvolution(nn.Layer):
    """A x W + b, with A the sparse matrix of links of so many `nodes`; x may be sparse too."""

    def __init__(self, nodes: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.nodes = nodes
        self.weight = self.create_parameter([inputs, outputs])
        self.bias = self.create_parameter([outputs], is_bias=True)

    def forward(self, x: Tensor | Sparse, links: Sparse) -> Tensor:
        """Of (nodes, in)."""
        is_sparse = isinstance(x, (tuple, list))  # a list in a static graph
        x = product(x, self.weight, self.nodes) if is_sparse else x @ self.weight
        return product(links, x, self.nodes) + self.bias
