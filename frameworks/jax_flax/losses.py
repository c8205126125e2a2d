"""Optax's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

import optax
from jax import Array


def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def real_token_cross_entropy(logits: Array, tokens: Array) -> Array:
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, tokens)
    return losses.mean(where=tokens != 0)


def sigmoid_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean()


def mean_squared_error(prediction: Array, target: Array) -> Array:
    return optax.squared_error(prediction, target).mean()


LOSSES = {
    "token_cross_entropy": softmax_cross_entropy,  # the mean over steps as well
    "real_token_cross_entropy": real_token_cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "mean_squared_error": mean_squared_error,
}
