"""A Transformer block over words as a formula."""

from autograd import numpy as np

from frameworks.reference.attention import attention, layer_norm, position
from frameworks.reference.layers import Dropout, Params, Value, dense, embedding, relu


def block(params: Params, x: Value, dropout: Dropout) -> Value:
    y = dropout("attention", attention(params, "attention", x, heads=2))
    x = layer_norm(params, "attention_norm", x + y, epsilon=2**-20)
    y = dense(params, "contract", relu(dense(params, "expand", x)))
    return layer_norm(params, "feed_norm", x + dropout("contract", y), epsilon=2**-20)


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = embedding(params, "token", x)  # (N, T) -> (N, T, 32)
    x = position(params, "position", x)
    x = block(params, x, dropout)
    x = dropout("feed_norm", np.mean(x, axis=1))  # (N, T, 32) -> (N, 32)
    x = dropout("hidden", relu(dense(params, "hidden", x)))  # (N, 20)
    return dense(params, "output", x)  # (N, 2)
