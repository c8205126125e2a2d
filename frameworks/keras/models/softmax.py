"""Softmax regression in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((784,))
    outputs = layers.Dense(10, name="output")(inputs)  # (N, 784) -> (N, 10)
    return keras.Model(inputs, outputs)
