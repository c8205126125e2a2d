"""The layers of `bench.core.attention` as formulas over numpy arrays."""

from __future__ import annotations

import math

import autograd.numpy as np

from frameworks.reference.layers import Params, Value


def position(params: Params, name: str, x: Value) -> Value:
    """x plus a vector for each step: (N, T, features), by the first T rows of the table."""
    return x + params[f"{name}.weight"][: x.shape[1]]


def layer_norm(params: Params, name: str, x: Value, *, epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias over the features of each step.

    Ba, Kiros and Hinton (2016); (N, T, features). The variance is over n, and there may be no bias.
    """
    centred = x - np.mean(x, axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    y = centred / np.sqrt(variance + epsilon) * params[f"{name}.weight"]
    return y + params[f"{name}.bias"] if f"{name}.bias" in params else y


def attention(params: Params, name: str, x: Value, *, heads: int, causal: bool = False) -> Value:
    """softmax(Q K^T / sqrt(size)) V of each head, side by side, times a weight; (N, T, features).

    Vaswani et al. (2017). A `causal` one sees no later step.
    """
    n, steps, features = x.shape
    size = features // heads

    def by_head(part: str) -> Value:
        y = x @ params[f"{name}.{part}_weight"].T
        return np.transpose(y.reshape(n, steps, heads, size), (0, 2, 1, 3))  # (N, heads, T, size)

    q, k, v = by_head("query"), by_head("key"), by_head("value")
    scores = q @ np.transpose(k, (0, 1, 3, 2)) / math.sqrt(size)  # (N, heads, T, T)
    if causal:
        scores = np.where(np.tril(np.ones((steps, steps), bool)), scores, -np.inf)
    exponentials = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    y = (exponentials / np.sum(exponentials, axis=-1, keepdims=True)) @ v
    y = np.transpose(y, (0, 2, 1, 3)).reshape(n, steps, features)
    return y @ params[f"{name}.output_weight"].T


def dot_attention(queries: Value, states: Value, is_real: Value) -> Value:
    """softmax(Q S^T) S, over the real states alone: (N, T, features), (N, S, features), (N, S).

    Luong et al. (2015), by "dot". Each example must have a real state.
    """
    scores = queries @ np.transpose(states, (0, 2, 1))  # (N, T, S)
    scores = np.where(is_real[:, None], scores, -np.inf)
    exponentials = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return (exponentials / np.sum(exponentials, axis=-1, keepdims=True)) @ states


def gelu(x: Value) -> Value:
    """Hendrycks and Gimpel's (2016) GELU by their formula with tanh, which GPT-2 uses."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def tied(params: Params, embedding: str, x: Value) -> Value:
    """The product with an embedding's table: (N, T, features) -> (N, T, rows)."""
    return x @ params[f"{embedding}.weight"].T
