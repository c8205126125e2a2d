"""Layers as formulas over numpy arrays.

Parameters are in the canonical layouts of `bench.core.layers`. The formulas use autograd's
numpy, which records the operations and differentiates them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import autograd.numpy as np
from autograd.core import SparseObject
from autograd.extend import defvjp, primitive, vspace
from autograd.tracer import getval

Value = Any  # an array, or autograd's box around one
Params = Mapping[str, Value]
Dropout = Callable[[str, Value], Value]  # takes the name of the layer that it follows


def rows_times(x: Value, weight: Value) -> Value:
    """x W^T, (..., in) -> (..., out), as one product.

    Of three axes numpy would make a product of each example, and autograd a gradient of W of each.
    """
    rows = x.reshape(-1, x.shape[-1]) @ weight.T
    return rows.reshape(*x.shape[:-1], len(weight))


def dense(params: Params, name: str, x: Value) -> Value:
    """y = x W^T + b, (N, in) -> (N, out), or with steps, (N, T, in). There may be no bias."""
    y = rows_times(x, params[f"{name}.weight"])
    return y + params[f"{name}.bias"] if f"{name}.bias" in params else y


def relu(x: Value) -> Value:
    """max(x, 0), with the slope 0 at 0, as in every framework here.

    Zeros do occur: a convolution without a bias gives 0 wherever all rectifiers of the layer before
    are off.
    """
    return x * (getval(x) > 0)


@primitive
def cut(x: Value, place: tuple[slice | int, ...]) -> Value:
    """x[place]. Autograd's gradient of an index allows for repeated places, and is slower."""
    return x[place]


def _cut_gradient(
    answer: Value, x: Value, place: tuple[slice | int, ...]
) -> Callable[[Value], SparseObject]:
    def add(gradient: Value, total: Value) -> Value:
        total[place] += gradient
        return total

    return lambda gradient: SparseObject(vspace(x), partial(add, gradient))


defvjp(cut, _cut_gradient, None)


def flatten(x: Value) -> Value:
    """(N, C, H, W) -> (N, C*H*W)."""
    return x.reshape(len(x), -1)


def conv(params: Params, name: str, x: Value, *, stride: int = 1, padding: int = 0) -> Value:
    """Cross-correlation, of x with zeros all around it: (N, C, H, W) -> (N, out, height, width).

    height = (H + 2 * padding - kh) // stride + 1, and width alike. There may be no bias.
    """
    weight = params[f"{name}.weight"]
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), "constant")
    _, _, kernel_height, kernel_width = weight.shape
    rows, columns = x.shape[2] - kernel_height + 1, x.shape[3] - kernel_width + 1
    x = np.transpose(x, (0, 2, 3, 1))  # (N, H, W, C): a product reads the channels in a row
    total = params.get(f"{name}.bias", 0)
    for i in range(kernel_height):
        for j in range(kernel_width):
            place = (slice(None), slice(i, i + rows, stride), slice(j, j + columns, stride))
            # (N, height, width, C)
            total = total + np.tensordot(cut(x, place), weight[:, :, i, j], ((3,), (1,)))
    return np.transpose(total, (0, 3, 1, 2))  # (N, height, width, out) -> (N, out, height, width)


class Running:
    """Batch normalization's running mean and variance of each channel, by layer.

    Each training batch moves them, r <- 0.9 r + 0.1 b, starting from mean 0 and variance 1. There
    are two running variances: of a batch's variance over its n values, and over n - 1 (Bessel).
    Frameworks evaluate with one or the other, and `unbiased` chooses. Training does not use them.
    """

    def __init__(self) -> None:
        self.training = True
        self.unbiased = False
        self.reset()

    def reset(self) -> None:
        self._running: dict[tuple[str, bool], tuple[Any, Any]] = {}

    def add(self, name: str, mean: Any, variance: Any, count: int) -> None:
        """Add the mean and variance, (channels,), of a batch with `count` values per channel."""
        for unbiased, scale in ((False, 1.0), (True, count / (count - 1))):
            old_mean, old_variance = self._running.get((name, unbiased), (0.0, 1.0))
            self._running[name, unbiased] = (
                0.9 * old_mean + 0.1 * mean,
                0.9 * old_variance + 0.1 * scale * variance,
            )

    def of(self, name: str, channels: int) -> tuple[Any, Any]:
        """The running mean and variance of a layer, (channels,)."""
        mean, variance = self._running.get((name, self.unbiased), (0.0, 1.0))
        return np.zeros(channels) + mean, np.zeros(channels) + variance


def batch_norm(params: Params, name: str, x: Value, running: Running) -> Value:
    """(x - mean) / sqrt(variance + 1e-5) * weight + bias, of each channel; (N, C, H, W).

    Ioffe and Szegedy (2015). Mean and variance are the batch's in training, else the running ones.
    """
    if running.training:
        mean = np.mean(x, axis=(0, 2, 3))
        centred = x - mean[:, None, None]
        variance = np.mean(centred * centred, axis=(0, 2, 3))  # over n, in every framework
        running.add(name, getval(mean), getval(variance), x.size // len(mean))
    else:
        mean, variance = running.of(name, x.shape[1])
        centred = x - mean[:, None, None]
    scale = params[f"{name}.weight"] / np.sqrt(variance + 1e-5)
    return centred * scale[:, None, None] + params[f"{name}.bias"][:, None, None]


def max_pool(x: Value) -> Value:
    """The largest of each 2x2 square; an odd last row or column is left out.

    Of equal values the first, row by row, gets the gradient, as in every framework here. Flat
    regions of real pictures have equal values.
    """
    n, c, height, width = x.shape
    rows, columns = height // 2, width // 2
    squares = x[:, :, : rows * 2, : columns * 2].reshape(n, c, rows, 2, columns, 2)
    squares = np.transpose(squares, (0, 1, 2, 4, 3, 5)).reshape(n, c, rows, columns, 4)
    first = np.argmax(getval(squares), axis=-1)[..., None] == np.arange(4)
    return np.sum(squares * first, axis=-1)


def avg_pool(x: Value) -> Value:
    """The mean of each 2x2 square: (N, C, H, W) -> (N, C, H/2, W/2)."""
    n, c, height, width = x.shape
    squares = x.reshape(n, c, height // 2, 2, width // 2, 2)
    return np.mean(squares, axis=(3, 5))


def embedding(params: Params, name: str, tokens: Value) -> Value:
    """Rows of the table: (N, T) -> (N, T, features), or (N,) -> (N, features)."""
    return params[f"{name}.weight"][tokens]


def dot(a: Value, b: Value) -> Value:
    """The product of two vectors of each example: twice (N, features) -> (N, 1)."""
    return np.sum(a * b, axis=1, keepdims=True)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)), by way of tanh, which does not overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def lstm_states(
    params: Params, name: str, x: Value, start: tuple[Value, Value] | None = None
) -> tuple[list[Value], Value]:
    """Hochreiter and Schmidhuber's LSTM with a forget gate: (N, T, in) -> T times (N, hidden).

    Beside the states, the last cell. It starts from zeros, or from a state and a cell.
    """
    recurrent = params[f"{name}.recurrent_weight"]
    hidden = recurrent.shape[1]
    # (N, T, 4*hidden)
    inputs = rows_times(x, params[f"{name}.input_weight"]) + params[f"{name}.bias"]
    zeros = np.zeros((x.shape[0], hidden), inputs.dtype)
    h, c = start or (zeros, zeros)
    states = []
    for t in range(x.shape[1]):
        gates = cut(inputs, (slice(None), t)) + h @ recurrent.T  # (N, 4*hidden)
        i, f, g, o = (  # input, forget, cell, output
            activation(cut(gates, (slice(None), slice(gate * hidden, (gate + 1) * hidden))))
            for gate, activation in enumerate((sigmoid, sigmoid, np.tanh, sigmoid))
        )
        c = f * c + i * g
        h = o * np.tanh(c)
        states.append(h)
    return states, c


def lstm(params: Params, name: str, x: Value) -> Value:
    """An LSTM's last state: (N, T, in) -> (N, hidden)."""
    return lstm_states(params, name, x)[0][-1]


def bidirectional_lstm(params: Params, name: str, x: Value, *, depth: int) -> Value:
    """A stack of LSTMs that read in both directions: (N, T, in) -> the last states, (N, 2*hidden).

    Each layer above the lowest reads both directions' states of each step, the forward one's first.
    The backward direction's last state is the one at the first step.
    """
    for level in range(depth):
        forward, _ = lstm_states(params, f"{name}.{level}.forward", x)
        backward, _ = lstm_states(params, f"{name}.{level}.backward", x[:, ::-1])
        # T times (N, hidden), twice -> (N, T, 2*hidden)
        x = np.concatenate([np.stack(forward, 1), np.stack(backward[::-1], 1)], axis=2)
    return np.concatenate([forward[-1], backward[-1]], axis=1)


def gru_states(params: Params, name: str, x: Value) -> list[Value]:
    """Cho et al.'s (2014) GRU as cuDNN has it: (N, T, in) -> T times (N, hidden).

    The reset gate scales the recurrent product and its bias, not the state that goes into it.
    """
    recurrent, bias = params[f"{name}.recurrent_weight"], params[f"{name}.recurrent_bias"]
    hidden = recurrent.shape[1]
    inputs = x @ params[f"{name}.input_weight"].T + params[f"{name}.bias"]  # (N, T, 3*hidden)
    h = np.zeros((x.shape[0], hidden), inputs.dtype)
    states = []
    for t in range(x.shape[1]):
        a, b = inputs[:, t], h @ recurrent.T + bias  # (N, 3*hidden): reset, update, new
        r = sigmoid(a[:, :hidden] + b[:, :hidden])
        z = sigmoid(a[:, hidden : 2 * hidden] + b[:, hidden : 2 * hidden])
        n = np.tanh(a[:, 2 * hidden :] + r * b[:, 2 * hidden :])
        h = (1 - z) * n + z * h
        states.append(h)
    return states


def gru(params: Params, name: str, x: Value) -> Value:
    """A GRU's last state: (N, T, in) -> (N, hidden)."""
    return gru_states(params, name, x)[-1]
