"""Layers that Keras has not, or not so fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Of values, a rate, and a generator of seeds: the values after dropout.
Drop = Callable[[Any, float, keras.random.SeedGenerator], Any]


class Position(keras.layers.Layer):
    """x plus a trained vector for each step: (N, T, features), by the first T of `rows`."""

    def __init__(self, rows: int, features: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.embeddings = self.add_weight(shape=(rows, features), name="embeddings")

    def call(self, x: Any) -> Any:
        return x + self.embeddings[: x.shape[1]]


class Dropout(keras.layers.Dropout):
    """Keras's own, by its own operator unless `drop` is set to another."""

    def __init__(self, rate: float, **settings: Any) -> None:
        super().__init__(rate, **settings)
        self.drop: Drop | None = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        if self.drop is None or not training or not self.rate:
            return super().call(inputs, training=training)
        return self.drop(inputs, self.rate, self.seed_generator)


def gelu(x: Any) -> Any:
    """By tanh, as in GPT-2: Keras's own, which on PyTorch is one operator.

    In float64 by its formula, as Keras takes the constants of its own through float32.
    """
    if keras.config.floatx() != "float64":
        return keras.activations.gelu(x, approximate=True)
    return 0.5 * x * (1 + ops.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
