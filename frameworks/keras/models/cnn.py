"""A small convolutional network in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(inputs)  # (N, 30, 30, 32)
    x = layers.MaxPooling2D(2)(x)  # (N, 15, 15, 32)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)  # (N, 13, 13, 64)
    x = layers.MaxPooling2D(2)(x)  # (N, 6, 6, 64)
    x = layers.Flatten()(x)  # (N, 6, 6, 64) -> (N, 6*6*64)
    x = layers.Dense(64, activation="relu", name="hidden")(x)  # (N, 64)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
