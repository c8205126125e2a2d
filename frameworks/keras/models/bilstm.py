"""Bidirectional LSTMs over words in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((task.length,), dtype="int64")
    x = layers.Embedding(20_000, 128, name="embedding")(inputs)  # (N, T) -> (N, T, 128)
    x = layers.Bidirectional(layers.LSTM(64, return_sequences=True), name="lstm-0")(x)
    x = layers.Bidirectional(layers.LSTM(64), name="lstm-1")(x)  # both last states: (N, 128)
    outputs = layers.Dense(1, name="output")(x)  # (N, 1)
    return keras.Model(inputs, outputs)
