"""Losses as formulas over numpy arrays, by their kind in `bench.core.losses`."""

from __future__ import annotations

import autograd.numpy as np

from frameworks.reference.layers import Value


def softmax_cross_entropy(logits: Value, labels: Value) -> Value:
    """The batch's mean of -log softmax(logits)[label]; labels (N,)."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_sum - shifted[np.arange(len(labels)), labels])


def token_cross_entropy(logits: Value, tokens: Value) -> Value:
    """The mean over steps and batch of -log softmax(logits)[token]; (N, T, K) and (N, T)."""
    return softmax_cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens.reshape(-1))


def real_token_cross_entropy(logits: Value, tokens: Value) -> Value:
    """The mean over all tokens but padding, 0, of -log softmax(logits)[token]."""
    real = tokens != 0
    return softmax_cross_entropy(logits[real], tokens[real])


def sigmoid_cross_entropy(logits: Value, labels: Value) -> Value:
    """The batch's mean of -log of the right class's probability; labels (N, 1), 0 or 1."""
    return np.mean(np.logaddexp(0, logits) - labels * logits)


def mean_squared_error(prediction: Value, target: Value) -> Value:
    """The batch's mean of the squared differences; both (N, 1)."""
    return np.mean((prediction - target) ** 2)


LOSSES = {
    "softmax_cross_entropy": softmax_cross_entropy,
    "token_cross_entropy": token_cross_entropy,
    "real_token_cross_entropy": real_token_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "mean_squared_error": mean_squared_error,
}
