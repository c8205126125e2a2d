"""Paddle's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from functools import partial

from paddle import Tensor
from paddle.nn import functional as F

from bench.core.graph import UNLABELLED


def ctc(logits: Tensor, letters: Tensor, counts: Tensor) -> Tensor:
    by_frame = logits.transpose([1, 0, 2])  # (N, T, K) -> (T, N, K)
    lengths = (letters != 0).sum(1)
    # Not its own mean, which first divides each loss by the number of letters.
    return F.ctc_loss(by_frame, letters.astype("int32"), counts, lengths, reduction="none").mean()


def node_cross_entropy(logits: Tensor, penalty: Tensor, labels: Tensor) -> Tensor:
    # Not its own mean, which is over all nodes where the ignored label is below 0.
    total = F.cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum")
    return total / (labels != UNLABELLED).sum().astype(total.dtype) + penalty[0, 0]


LOSSES = {
    "node_cross_entropy": node_cross_entropy,
    "ctc": ctc,
    "real_token_cross_entropy": partial(F.cross_entropy, ignore_index=0),
    "softmax_cross_entropy": F.cross_entropy,
    "token_cross_entropy": F.cross_entropy,  # over steps as well
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}
