"""A multilayer perceptron with dropout in Keras."""

import keras
from keras import layers

from bench.core.task import Task
from frameworks.keras.layers import Dropout


def build(task: Task) -> keras.Model:
    inputs = keras.Input((784,))
    x = layers.Dense(128, activation="relu", name="hidden")(inputs)  # (N, 784) -> (N, 128)
    x = Dropout(task.dropout["hidden"], name="dropout")(x)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
