"""A GPT in Keras."""

import keras
from keras import KerasTensor, layers

from bench.core.task import Task
from frameworks.keras.layers import Dropout, Position, gelu


def norm(x: KerasTensor, name: str) -> KerasTensor:
    return layers.LayerNormalization(epsilon=2**-17, center=False, name=name)(x)


def block(task: Task, x: KerasTensor, number: int, *, heads: int) -> KerasTensor:
    name, features = f"blocks-{number}", x.shape[-1]
    y = norm(x, f"{name}-attention_norm")
    attention = layers.MultiHeadAttention(
        heads, features // heads, use_bias=False, name=f"{name}-attention"
    )
    y = attention(y, y, use_causal_mask=True)
    x = x + Dropout(task.rate(f"blocks.{number}.attention"), name=f"{name}-dropout1")(y)
    y = norm(x, f"{name}-feed_norm")
    y = layers.Dense(4 * features, use_bias=False, name=f"{name}-expand")(y)
    y = layers.Dense(features, use_bias=False, name=f"{name}-contract")(gelu(y))
    return x + Dropout(task.rate(f"blocks.{number}.contract"), name=f"{name}-dropout2")(y)


def gpt(task: Task, *, steps: int, blocks: int, features: int, heads: int) -> keras.Model:
    token = layers.ReversibleEmbedding(65, features, name="token")
    inputs = keras.Input((task.length,), dtype="int64")
    x = token(inputs)  # (N, T) -> (N, T, features)
    x = Position(steps, features, name="position")(x)
    x = Dropout(task.rate("position"), name="dropout")(x)
    for number in range(blocks):
        x = block(task, x, number, heads=heads)
    x = norm(x, "norm")
    outputs = token(x, reverse=True)  # tied: (N, T, 65)
    return keras.Model(inputs, outputs)


def build(task: Task) -> keras.Model:
    return gpt(task, steps=64, blocks=4, features=128, heads=8)
