"""Optax's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

import optax
from jax import Array


def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def sigmoid_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean()


def mean_squared_error(prediction: Array, target: Array) -> Array:
    return optax.squared_error(prediction, target).mean()


LOSSES = {
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "mean_squared_error": mean_squared_error,
}
