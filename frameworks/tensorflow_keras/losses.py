"""Keras's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import keras
import tensorflow as tf


def by_output(
    make: Callable[[], keras.losses.Loss],
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """One of Keras's losses, with the output before the target."""
    # Made in the first call, because a loss computes in the type that Keras has when it is made.
    made = cache(make)
    return lambda output, target: made()(target, output)


def real_token_cross_entropy(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """As TensorFlow's tutorial on translation has it; Keras's `ignore_class` masks all logits."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, logits)
    real = tf.cast(tokens != 0, losses.dtype)
    return tf.reduce_sum(losses * real) / tf.reduce_sum(real)


LOSSES = {
    "real_token_cross_entropy": real_token_cross_entropy,
    "token_cross_entropy": by_output(  # the mean over steps as well
        partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True)
    ),
    "softmax_cross_entropy": by_output(
        partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True)
    ),
    "sigmoid_cross_entropy": by_output(partial(keras.losses.BinaryCrossentropy, from_logits=True)),
    "mean_squared_error": by_output(keras.losses.MeanSquaredError),
}
