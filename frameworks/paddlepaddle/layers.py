"""Layers that Paddle has not as they are needed."""

from __future__ import annotations

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F


class Attention(nn.Layer):
    """Paddle's fused attention, between one product for all its inputs and one for its output.

    nn.MultiHeadAttention has three products for its inputs.
    """

    def __init__(self, features: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.size = features // heads
        self.qkv = nn.Linear(features, 3 * features, bias_attr=False)
        self.output = nn.Linear(features, features, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of (N, T, features), in the same shape."""
        x = self.qkv(x).reshape([0, 0, 3, self.heads, self.size])  # (N, T, 3, heads, size)
        q, k, v = paddle.unbind(x, axis=2)  # (N, T, heads, size) each
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)  # by 1 / sqrt(size)
        x = x.reshape([0, 0, self.heads * self.size])  # the heads side by side
        return self.output(x)
