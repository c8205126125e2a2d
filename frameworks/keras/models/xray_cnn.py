"""A convolutional network for large grey pictures in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    _, side, _ = task.fields["image"].shape
    inputs = keras.Input((side, side, 1))
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(inputs)  # (N, 254, 254, 32)
    x = layers.MaxPooling2D(2)(x)  # (N, 127, 127, 32)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)  # (N, 125, 125, 64)
    x = layers.MaxPooling2D(2)(x)  # (N, 62, 62, 64)
    x = layers.Flatten()(x)  # (N, 62, 62, 64) -> (N, 62*62*64)
    x = layers.Dense(64, activation="relu", name="hidden")(x)  # (N, 64)
    outputs = layers.Dense(1, name="output")(x)  # (N, 1)
    return keras.Model(inputs, outputs)
