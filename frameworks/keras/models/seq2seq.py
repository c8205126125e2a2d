"""Two LSTMs with attention in Keras."""

import keras
from keras import layers, ops

from bench.core.task import Task


def build(task: Task) -> keras.Model:
    source = keras.Input((task.length,), dtype="int64")
    previous = keras.Input((task.length,), dtype="int64")
    encoder = layers.LSTM(256, return_sequences=True, return_state=True, name="encoder")
    decoder = layers.LSTM(256, return_sequences=True, name="decoder")
    x = layers.Embedding(8_000, 128, name="source_embedding")(source)  # (N, S) -> (N, S, 128)
    encoded, *last = encoder(x)  # (N, S, 256), and the last state and cell
    x = layers.Embedding(8_000, 128, name="target_embedding")(previous)  # (N, T) -> (N, T, 128)
    x = decoder(x, initial_state=last)  # (N, T, 256)
    is_real = ops.not_equal(source, 0)  # (N, S)
    context = layers.Attention()([x, encoded], mask=[None, is_real])  # (N, T, 256)
    x = layers.Concatenate()([context, x])  # (N, T, 512)
    x = layers.Dense(256, activation="tanh", use_bias=False, name="combine")(x)  # (N, T, 256)
    outputs = layers.Dense(8_000, name="output")(x)  # (N, T, 8000)
    return keras.Model([source, previous], outputs)
