"""A Transformer block over words in Keras."""

import keras
from keras import layers

from bench.core.task import Task
from frameworks.keras.layers import Dropout, Position


def build(task: Task) -> keras.Model:
    rates = task.dropout
    inputs = keras.Input((task.length,), dtype="int64")
    x = layers.Embedding(20_000, 32, name="token")(inputs)  # (N, T) -> (N, T, 32)
    x = Position(200, 32, name="position")(x)
    y = layers.MultiHeadAttention(2, 16, use_bias=False, name="attention")(x, x)
    y = Dropout(rates["attention"], name="dropout1")(y)
    x = layers.LayerNormalization(epsilon=2**-20, name="attention_norm")(x + y)
    y = layers.Dense(32, activation="relu", name="expand")(x)
    y = layers.Dense(32, name="contract")(y)
    y = Dropout(rates["contract"], name="dropout2")(y)
    x = layers.LayerNormalization(epsilon=2**-20, name="feed_norm")(x + y)
    x = layers.GlobalAveragePooling1D()(x)  # (N, T, 32) -> (N, 32)
    x = Dropout(rates["feed_norm"], name="dropout3")(x)
    x = layers.Dense(20, activation="relu", name="hidden")(x)  # (N, 20)
    x = Dropout(rates["hidden"], name="dropout4")(x)
    outputs = layers.Dense(2, name="output")(x)  # (N, 2)
    return keras.Model(inputs, outputs)
