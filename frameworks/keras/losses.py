"""Keras's losses, by their kind in `bench.core.losses`, as `compile` takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras

# Made only when they are needed, as a loss computes in the type that Keras has when it is made.
LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
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
