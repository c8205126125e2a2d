"""Paddle's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from paddle.nn import functional as F

LOSSES = {
    "softmax_cross_entropy": F.cross_entropy,
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}
