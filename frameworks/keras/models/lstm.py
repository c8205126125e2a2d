"""An LSTM over words in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((task.length,), dtype="int64")
    x = layers.Embedding(25_000, 100, name="embedding")(inputs)  # (N, T, 100)
    x = layers.LSTM(256, name="lstm")(x)  # the last state: (N, 256)
    outputs = layers.Dense(1, name="output")(x)  # (N, 1)
    return keras.Model(inputs, outputs)
