"""The product of a user's and an item's factors in Keras."""

import keras
from keras import layers

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    inputs = keras.Input((), dtype="int64"), keras.Input((), dtype="int64")
    user = layers.Embedding(943, 50, name="user")(inputs[0])  # (N,) -> (N, 50)
    item = layers.Embedding(1682, 50, name="item")(inputs[1])  # (N,) -> (N, 50)
    outputs = layers.Dot(axes=1)([user, item])  # (N, 1)
    return keras.Model(inputs, outputs)
