"""PyTorch's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.core.graph import UNLABELLED


def token_cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten())  # (N, T, K) -> (N*T, K)


def real_token_cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), ignore_index=0)


def ctc(logits: Tensor, letters: Tensor, counts: Tensor) -> Tensor:
    log_p = F.log_softmax(logits, -1).transpose(0, 1)  # (N, T, K) -> (T, N, K)
    # Not its own mean, which first divides each loss by the number of letters.
    return F.ctc_loss(log_p, letters, counts, (letters != 0).sum(1), reduction="none").mean()


def node_cross_entropy(logits: Tensor, penalty: Tensor, labels: Tensor) -> Tensor:
    # Not by an index, whose gradient is copied into zeros.
    crossentropy = F.cross_entropy(logits.squeeze(0), labels.squeeze(0), ignore_index=UNLABELLED)
    return crossentropy + penalty.squeeze()


LOSSES = {
    "node_cross_entropy": node_cross_entropy,
    "ctc": ctc,
    "token_cross_entropy": token_cross_entropy,
    "real_token_cross_entropy": real_token_cross_entropy,
    "softmax_cross_entropy": F.cross_entropy,
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}
