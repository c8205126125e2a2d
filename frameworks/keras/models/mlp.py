"""A multilayer perceptron in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((784,))
    x = layers.Dense(128, activation="relu", name="hidden")(inputs)  # (N, 784) -> (N, 128)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
