"""Graphs in the reference: sparse matrices, and their products with dense ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from autograd.extend import defvjp, primitive

from bench.core.arrays import Array
from frameworks.reference.layers import Value


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseMatrix:
    """A constant matrix by its entries, (entries,) each, in the order of rows."""

    row: Array
    column: Array
    value: Array
    size: tuple[int, int]

    @staticmethod
    def of(row: Array, column: Array, value: Array, size: tuple[int, int]) -> SparseMatrix:
        """From entries in any order."""
        order = np.lexsort((column, row))
        return SparseMatrix(row=row[order], column=column[order], value=value[order], size=size)

    @cached_property
    def transposed(self) -> SparseMatrix:
        return SparseMatrix.of(self.column, self.row, self.value, self.size[::-1])

    @cached_property
    def filled(self) -> tuple[Array, Array]:
        """The rows that have entries, and where those of each begin."""
        rows, firsts = np.unique(self.row, return_index=True)
        return rows, firsts

    def __matmul__(self, x: Value) -> Value:
        """Of (columns, features): (rows, features)."""
        return _product(self, x)


def sparse_matrix(entries: Array, size: tuple[int, int]) -> SparseMatrix:
    """From structured entries, (1, entries), as `bench.core.graph` has them."""
    (found,) = entries
    return SparseMatrix.of(found["row"], found["column"], found["value"], size)


@primitive
def _product(matrix: SparseMatrix, x: Array) -> Array:
    rows, firsts = matrix.filled
    terms = matrix.value[:, None] * x[matrix.column]
    found: Array = np.zeros((matrix.size[0], x.shape[1]), terms.dtype)
    found[rows] = np.add.reduceat(terms, firsts)  # the sum of each row's terms
    return found


defvjp(
    _product,
    lambda product, matrix, x: lambda gradient: _product(matrix.transposed, gradient),
    argnums=(1,),
)
