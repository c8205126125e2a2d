"""Two GRUs over frames of sound in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((task.length, 40))
    x = layers.GRU(128, return_sequences=True, name="lower")(inputs)  # (N, T, 128)
    x = layers.GRU(128, return_sequences=True, name="upper")(x)  # (N, T, 128)
    outputs = layers.Dense(28, name="output")(x)  # (N, T, 28)
    return keras.Model(inputs, outputs)
