"""Keras's losses, by their kind in `bench.core.losses`: (output, target) -> the batch's mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import keras
import tensorflow as tf

from bench.core.graph import UNLABELLED
from bench.core.setting import Precision
from frameworks.keras.exact_ctc import exact_ctc


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


def ctc(logits: tf.Tensor, letters: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """With sparse letters, for which TensorFlow has an operator: for others it loops in Python."""
    sparse = tf.sparse.from_dense(tf.cast(letters, tf.int32))
    frames = tf.cast(counts, tf.int32)
    losses = tf.nn.ctc_loss(sparse, logits, None, frames, logits_time_major=False, blank_index=0)
    return tf.reduce_mean(losses)


def dense_ctc(logits: tf.Tensor, letters: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """For XLA, which has nothing sparse."""
    lengths = tf.math.count_nonzero(letters, axis=1, dtype=tf.int32)
    losses = tf.nn.ctc_loss(
        tf.cast(letters, tf.int32),
        logits,
        lengths,
        tf.cast(counts, tf.int32),
        logits_time_major=False,
        blank_index=0,
    )
    return tf.reduce_mean(losses)


def float64_ctc(logits: tf.Tensor, letters: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """For the proof."""
    return tf.reduce_mean(exact_ctc(logits, letters, counts))


def node_cross_entropy(logits: tf.Tensor, penalty: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """As TensorFlow's tutorials mask: its operator makes NaN of a label below 0."""
    is_labelled = labels != UNLABELLED
    known = tf.where(is_labelled, labels, 0)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(known, logits)
    labelled = tf.cast(is_labelled, losses.dtype)
    return tf.reduce_sum(losses * labelled) / tf.reduce_sum(labelled) + penalty[0, 0]


LOSSES = {
    "node_cross_entropy": node_cross_entropy,
    "ctc": ctc,
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


def losses_in(mode: str, precision: Precision) -> dict[str, Callable[..., tf.Tensor]]:
    """The losses that a mode and a precision allow, by their kind."""
    if precision == "float64":
        return LOSSES | {"ctc": float64_ctc}
    return LOSSES | {"ctc": dense_ctc} if mode == "xla" else LOSSES
