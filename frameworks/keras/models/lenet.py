"""LeNet in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(6, 5, activation="relu", name="conv1")(inputs)  # (N, 28, 28, 6)
    x = layers.MaxPooling2D(2)(x)  # (N, 14, 14, 6)
    x = layers.Conv2D(16, 5, activation="relu", name="conv2")(x)  # (N, 10, 10, 16)
    x = layers.MaxPooling2D(2)(x)  # (N, 5, 5, 16)
    x = layers.Flatten()(x)  # (N, 5, 5, 16) -> (N, 5*5*16)
    x = layers.Dense(120, activation="relu", name="dense1")(x)  # (N, 120)
    x = layers.Dense(84, activation="relu", name="dense2")(x)  # (N, 84)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
