"""Layers that Gluon has not."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock, nn


class Attention(HybridBlock):
    """Attention between one product for all its inputs and one for its output; Gluon has none.

    A `causal` one is for sequences of so many `steps`.
    """

    def __init__(self, features: int, heads: int, *, steps: int, causal: bool = False) -> None:
        super().__init__()
        self._heads = heads
        self._root = (features // heads) ** 0.5
        self.qkv = nn.Dense(3 * features, in_units=features, use_bias=False, flatten=False)
        self.output = nn.Dense(features, in_units=features, use_bias=False, flatten=False)
        if causal:
            later = np.triu(np.full((1, steps, steps), -np.inf, np.float32), 1)
            self.later = self.params.get_constant("later", later)

    def by_head(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = F.reshape(x, shape=(0, 0, self._heads, -1))  # (N, T, heads, size)
        x = F.transpose(x, axes=(0, 2, 1, 3))
        return F.reshape(x, shape=(-3, -2))  # (N * heads, T, size)

    def hybrid_forward(self, F: Any, x: Any, later: Any = None) -> Any:  # noqa: N803
        """Of (N, T, features), in the same shape."""
        parts = F.split(self.qkv(x), num_outputs=3, axis=2)  # (N, T, features) each
        q, k, v = (self.by_head(F, part) for part in parts)
        scores = F.batch_dot(q, k, transpose_b=True) / self._root  # (N * heads, T, T)
        if later is not None:
            scores = F.broadcast_add(scores, later)
        x = F.batch_dot(F.softmax(scores, axis=-1), v)  # (N * heads, T, size)
        x = F.reshape(x, shape=(-4, -1, self._heads, -2))  # (N, heads, T, size)
        x = F.transpose(x, axes=(0, 2, 1, 3))
        return self.output(F.reshape(x, shape=(0, 0, -3)))  # the heads side by side
