"""Layers that PyTorch has not as they are needed."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """PyTorch's fused attention, between one product for all its inputs and one for its output.

    So nanoGPT has it. nn.MultiheadAttention also computes this function.
    """

    def __init__(self, features: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(features, 3 * features, bias=False)
        self.output = nn.Linear(features, features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of (N, T, features), in the same shape."""
        n, t, features = x.shape
        x = self.qkv(x).view(n, t, 3, self.heads, -1)  # (N, T, 3, heads, size)
        q, k, v = x.permute(2, 0, 3, 1, 4)  # (N, heads, T, size) each
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)  # by 1 / sqrt(size)
        x = x.transpose(1, 2).reshape(n, t, features)  # the heads side by side
        return self.output(x)
