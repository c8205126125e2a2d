"""Paddle's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from functools import partial

from paddle.nn import functional as F

LOSSES = {
    "real_token_cross_entropy": partial(F.cross_entropy, ignore_index=0),
    "softmax_cross_entropy": F.cross_entropy,
    "token_cross_entropy": F.cross_entropy,  # over steps as well
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}
