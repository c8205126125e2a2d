"""A GPT in TensorFlow/Keras."""

import keras
from keras import KerasTensor, layers

from bench.core.task import Task
from frameworks.tensorflow_keras.layers import Position, gelu


def norm(x: KerasTensor, name: str) -> KerasTensor:
    return layers.LayerNormalization(epsilon=2**-17, center=False, name=name)(x)


def block(x: KerasTensor, name: str) -> KerasTensor:
    y = norm(x, f"{name}.attention_norm")
    attention = layers.MultiHeadAttention(8, 16, use_bias=False, name=f"{name}.attention")
    x = x + attention(y, y, use_causal_mask=True)
    y = norm(x, f"{name}.feed_norm")
    y = gelu(layers.Dense(512, use_bias=False, name=f"{name}.expand")(y))  # (N, T, 512)
    return x + layers.Dense(128, use_bias=False, name=f"{name}.contract")(y)


def build(task: Task) -> keras.Model:
    token = layers.ReversibleEmbedding(65, 128, name="token")
    inputs = keras.Input((task.length,), dtype="int64")
    x = token(inputs)  # (N, T) -> (N, T, 128)
    x = Position(64, 128, name="position")(x)
    x = block(x, "blocks.0")
    x = block(x, "blocks.1")
    x = block(x, "blocks.2")
    x = block(x, "blocks.3")
    x = norm(x, "norm")
    outputs = token(x, reverse=True)  # tied: (N, T, 65)
    return keras.Model(inputs, outputs)
