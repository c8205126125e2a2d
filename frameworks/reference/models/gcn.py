"""Two graph convolutions as a formula."""

import autograd.numpy as np

from frameworks.reference.layers import Dropout, Params, Value, relu


def graph_convolution(params: Params, name: str, x: Value, links: Value) -> Value:
    """A x W^T + b, with A the matrix of links: (nodes, in) -> (nodes, out)."""
    return links @ (x @ params[f"{name}.weight"].T) + params[f"{name}.bias"]


def forward(params: Params, words: Value, links: Value, dropout: Dropout) -> tuple[Value, Value]:
    x = relu(graph_convolution(params, "first", words, links))  # (2708, 1433) -> (2708, 16)
    x = dropout("first", x)
    x = graph_convolution(params, "second", x, links)  # (2708, 7)
    penalty = 2**-12 * np.sum(params["first.weight"] ** 2)
    return x[None], penalty.reshape(1, 1)  # (1, 2708, 7), (1, 1)
