"""A GRU over words in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((task.length,), dtype="int64")
    x = layers.Embedding(30_000, 125, name="embedding")(inputs)  # (N, T, 125)
    x = layers.GRU(100, name="gru")(x)  # the last state: (N, 100)
    outputs = layers.Dense(2, name="output")(x)  # (N, 2)
    return keras.Model(inputs, outputs)
