"""Graphs in PyTorch: sparse matrices, and their products with dense ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from keras.src.backend.torch import core
from torch import Tensor

from bench.core.arrays import Array
from bench.core.setting import Setting


class Product(torch.autograd.Function):
    """A sparse matrix times a dense one, whose gradient takes the transposed sparse matrix."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, x: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[override]
        return None, None, ctx.transposed @ gradient


class HeldMatrix:
    """PyTorch's by rows, whose product with a dense matrix is faster than that of pairs (COO).

    With its transpose if the tuning is an expert's: PyTorch's own product sorts it at each step.
    """

    def __init__(self, size: tuple[int, int], entries: int, setting: Setting) -> None:
        self._size = size
        self._is_transposed = setting.tuning == "expert"
        self.native: tuple[Tensor, ...] = ()

    def take(self, entries: Array) -> None:
        """`entries` are structured, (entries,), as `bench.core.graph` has them, by rows."""
        row, column, value = entries["row"], entries["column"], entries["value"]
        matrix = by_rows(row, column, value, self._size)
        self.native = (matrix,)
        if self._is_transposed:
            order = np.lexsort((row, column))
            parts = column[order], row[order], value[order]
            self.native = (matrix, by_rows(*parts, self._size[::-1]))


def by_rows(row: Array, column: Array, value: Array, size: tuple[int, ...]) -> Tensor:
    """A matrix in PyTorch's CSR, of its entries in the order of rows, (entries,) each."""
    starts = np.searchsorted(row, np.arange(size[0] + 1))
    parts = (starts, column.copy(), value.copy())
    return torch.sparse_csr_tensor(*map(torch.from_numpy, parts), size, device=core.DEFAULT_DEVICE)


def product(matrix: tuple[Tensor, ...], x: Any) -> Tensor:
    """Of a sparse matrix, perhaps with its transpose, and of (columns, features)."""
    x = core.convert_to_tensor(x)
    if len(matrix) == 1:
        return matrix[0] @ x
    found: Tensor = Product.apply(*matrix, x)
    return found
