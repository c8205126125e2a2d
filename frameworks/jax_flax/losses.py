"""Optax's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jax import Array

from bench.core.graph import UNLABELLED


def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def real_token_cross_entropy(logits: Array, tokens: Array) -> Array:
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, tokens)
    return losses.mean(where=tokens != 0)


def sigmoid_cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean()


def mean_squared_error(prediction: Array, target: Array) -> Array:
    return optax.squared_error(prediction, target).mean()


def ctc(logits: Array, letters: Array, counts: Array) -> Array:
    is_beyond = jnp.arange(logits.shape[1]) >= counts[:, None]  # (N, T)
    paddings = [flags.astype(logits.dtype) for flags in (is_beyond, letters == 0)]
    return optax.ctc_loss(logits, paddings[0], letters, paddings[1]).mean()


def node_cross_entropy(logits: Array, penalty: Array, labels: Array) -> Array:
    # Of an unlabelled node optax makes NaN, whose gradient would remain.
    is_labelled = labels != UNLABELLED
    known = jnp.where(is_labelled, labels, 0)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, known)
    return losses.mean(where=is_labelled) + penalty[0, 0]


LOSSES = {
    "node_cross_entropy": node_cross_entropy,
    "ctc": ctc,
    "token_cross_entropy": softmax_cross_entropy,  # the mean over steps as well
    "real_token_cross_entropy": real_token_cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "mean_squared_error": mean_squared_error,
}
