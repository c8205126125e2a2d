"""A VGG-style convolutional network with dropout in Keras."""

import keras
from keras import layers

from bench.core.task import Task
from frameworks.keras.layers import Dropout


def build(task: Task) -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(50, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(50, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2)(x)  # (N, 32, 32, 50) -> (N, 16, 16, 50)
    x = Dropout(task.dropout["conv2"], name="dropout1")(x)
    x = layers.Conv2D(100, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(100, 3, padding="same", activation="relu", name="conv4")(x)
    x = layers.MaxPooling2D(2)(x)  # (N, 16, 16, 100) -> (N, 8, 8, 100)
    x = Dropout(task.dropout["conv4"], name="dropout2")(x)
    x = layers.Flatten()(x)  # (N, 8, 8, 100) -> (N, 8*8*100)
    x = layers.Dense(512, activation="relu", name="hidden")(x)  # (N, 512)
    x = Dropout(task.dropout["hidden"], name="dropout3")(x)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
