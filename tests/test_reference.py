"""The reference's own parts that are more than a formula."""

from __future__ import annotations

import autograd
import numpy as np

from bench.core.arrays import Array
from frameworks.reference.graphs import SparseMatrix


def test_a_sparse_product_and_its_gradient_are_those_of_the_whole_matrix() -> None:
    """With rows and columns that have no entry, and entries in any order."""
    rng = np.random.default_rng(0)
    size = (7, 5)
    row, column = np.array([3, 0, 6, 3, 0, 5]), np.array([1, 4, 0, 4, 0, 1])
    value = rng.standard_normal(6)
    whole = np.zeros(size)
    whole[row, column] = value
    matrix = SparseMatrix.of(row, column, value, size)
    x, weights = rng.standard_normal((5, 3)), rng.standard_normal((7, 3))
    np.testing.assert_allclose(matrix @ x, whole @ x, rtol=1e-15, atol=1e-15)

    def loss(x: Array) -> float:
        return float(((whole @ x) ** 2 * weights).sum())

    gradient = autograd.grad(lambda x: ((matrix @ x) ** 2 * weights).sum())(x)
    expected = 2 * whole.T @ (weights * (whole @ x))
    np.testing.assert_allclose(gradient, expected, rtol=1e-13, atol=1e-13)
    step = 1e-6 * rng.standard_normal(x.shape)
    assert np.isclose(loss(x + step) - loss(x - step), 2 * (gradient * step).sum(), rtol=1e-6)
