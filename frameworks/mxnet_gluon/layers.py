"""Layers that Gluon has not."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock, nn


class Attention(HybridBlock):
    """Attention between one product for all its inputs and one for its output; Gluon has none.

    In float32 by MXNet's operators for it, which read time first, and queries, keys and values head
    by head; in other precisions, which they do not know, by products of batches. A `causal`
    one is for sequences of so many `steps`.
    """

    def __init__(self, features: int, heads: int, *, steps: int, causal: bool = False) -> None:
        super().__init__()
        self._features, self._heads = features, heads
        self._root = (features // heads) ** 0.5
        self.by_operators = True
        self.qkv_weight = self.params.get("qkv_weight", shape=(3 * features, features))
        self.output = nn.Dense(features, in_units=features, use_bias=False, flatten=False)
        if causal:
            later = np.triu(np.full((1, steps, steps), -np.inf, np.float32), 1)
            self.later = self.params.get_constant("later", later)

    def hybrid_forward(self, F: Any, x: Any, qkv_weight: Any, later: Any = None) -> Any:  # noqa: N803
        """Of (N, T, features), in the same shape."""
        attend = self._by_operators if self.by_operators else self._by_products
        return self.output(attend(F, x, qkv_weight, later))

    def _by_operators(self, F: Any, x: Any, weight: Any, later: Any) -> Any:  # noqa: N803
        weight = F.reshape(weight, shape=(3, self._heads, -1, self._features))
        weight = F.reshape(F.transpose(weight, axes=(1, 0, 2, 3)), shape=(-1, self._features))
        qkv = self._product(F, F.transpose(x, axes=(1, 0, 2)), weight)  # (T, N, 3 * features)
        scores = F.contrib.interleaved_matmul_selfatt_qk(qkv, heads=self._heads)  # by 1 / root
        weights = self._softmax(F, scores, later)
        x = F.contrib.interleaved_matmul_selfatt_valatt(qkv, weights, heads=self._heads)
        return F.transpose(x, axes=(1, 0, 2))

    def _by_products(self, F: Any, x: Any, weight: Any, later: Any) -> Any:  # noqa: N803
        parts = F.split(self._product(F, x, weight), num_outputs=3, axis=2)  # (N, T, features) each
        q, k, v = (self._by_head(F, part) for part in parts)
        scores = F.batch_dot(q, k, transpose_b=True) / self._root  # (N * heads, T, T)
        x = F.batch_dot(self._softmax(F, scores, later), v)  # (N * heads, T, size)
        x = F.reshape(x, shape=(-4, -1, self._heads, -2))  # (N, heads, T, size)
        x = F.transpose(x, axes=(0, 2, 1, 3))
        return F.reshape(x, shape=(0, 0, -3))  # the heads side by side

    def _product(self, F: Any, x: Any, weight: Any) -> Any:  # noqa: N803
        return F.FullyConnected(
            x, weight, no_bias=True, num_hidden=3 * self._features, flatten=False
        )

    def _by_head(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = F.reshape(x, shape=(0, 0, self._heads, -1))  # (N, T, heads, size)
        x = F.transpose(x, axes=(0, 2, 1, 3))
        return F.reshape(x, shape=(-3, -2))  # (N * heads, T, size)

    def _softmax(self, F: Any, scores: Any, later: Any) -> Any:  # noqa: N803
        if later is not None:
            scores = F.broadcast_add(scores, later)
        return F.softmax(scores, axis=-1)


def attend_by_products(block: HybridBlock) -> None:
    """Choose products of batches, if the block can attend by operators."""
    if hasattr(block, "by_operators"):
        block.by_operators = False
