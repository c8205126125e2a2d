"""Keras's losses, by their kind in `bench.core.losses`, as `compile` takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from bench.core.graph import UNLABELLED
from frameworks.keras.engine import ENGINE


class CTC(keras.losses.Loss):
    """Keras's operator. Its own loss of that name counts all frames of each recording."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Of letters with how many frames count behind them, (N, L + 1)."""
        letters, counts = y_true[:, :-1], y_true[:, -1]
        letters, counts = ops.cast(letters, "int32"), ops.cast(counts, "int32")
        return ENGINE.ctc(y_pred, letters, counts)


# Made only when they are needed, as a loss computes in the type that Keras has when it is made.
LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "ctc": CTC,
    "real_token_cross_entropy": partial(
        keras.losses.SparseCategoricalCrossentropy, from_logits=True, ignore_class=0
    ),
    "token_cross_entropy": partial(  # the mean over steps as well
        keras.losses.SparseCategoricalCrossentropy, from_logits=True
    ),
    "softmax_cross_entropy": partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    "sigmoid_cross_entropy": partial(keras.losses.BinaryCrossentropy, from_logits=True),
    "mean_squared_error": keras.losses.MeanSquaredError,
}


def node_cross_entropy(logits: Any, penalty: Any, labels: Any) -> Any:
    """Of (1, nodes, K), (1, 1) and (1, nodes): the mean over labelled nodes, and the penalty."""
    is_labelled = labels != UNLABELLED
    known = ops.where(is_labelled, labels, ops.zeros_like(labels))
    losses = ops.sparse_categorical_crossentropy(known, logits, from_logits=True)
    labelled = ops.cast(is_labelled, losses.dtype)
    return ops.sum(losses * labelled) / ops.sum(labelled) + penalty[0, 0]


# Of a network on a graph: functions of its outputs and of the rest of a batch.
GRAPH_LOSSES: dict[str, Callable[..., Any]] = {"node_cross_entropy": node_cross_entropy}
