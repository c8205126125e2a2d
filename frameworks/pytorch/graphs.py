"""Graphs in PyTorch: sparse matrices, and the convolution by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.core.arrays import Array


class Product(torch.autograd.Function):
    """A sparse matrix times a dense one, whose gradient takes the transposed sparse matrix."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, x: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[override]
        return None, None, ctx.transposed @ gradient


# A constant matrix, and perhaps its transpose, which PyTorch's own product sorts at each step.
# PyTorch Geometric's `SparseTensor` keeps one, too. A class of its own would be slow to compile.
Sparse = Tensor | tuple[Tensor, Tensor]


def product(matrix: Sparse, x: Tensor) -> Tensor:
    """Of a sparse matrix and a dense one."""
    if isinstance(matrix, Tensor):
        return matrix @ x
    found: Tensor = Product.apply(*matrix, x)
    return found


def sparse_matrix(
    entries: Array, size: tuple[int, int], device: torch.device, *, expert: bool
) -> Sparse:
    """PyTorch's, by rows: its product with a dense matrix is faster than that of pairs (COO).

    `entries` are structured, (1, entries), as `bench.core.graph` has them.
    """
    (found,) = entries
    row, column, value = found["row"], found["column"], found["value"]
    matrix = by_rows(row, column, value, size, device)
    if not expert:
        return matrix
    order = np.lexsort((row, column))
    return matrix, by_rows(column[order], row[order], value[order], size[::-1], device)


def by_rows(
    row: Array, column: Array, value: Array, size: tuple[int, ...], device: torch.device
) -> Tensor:
    """A matrix in PyTorch's CSR, of its entries in the order of rows, (entries,) each."""
    starts = np.searchsorted(row, np.arange(size[0] + 1))
    parts = (starts, column.copy(), value.copy())
    return torch.sparse_csr_tensor(*map(torch.from_numpy, parts), size, device=device)


class GraphConvolution(nn.Module):
    """A x W + b, with A a sparse matrix of links."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(inputs, outputs)))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Sparse, links: Sparse) -> Tensor:
        """Of (nodes, in), dense or sparse."""
        return product(links, product(x, self.weight)) + self.bias
