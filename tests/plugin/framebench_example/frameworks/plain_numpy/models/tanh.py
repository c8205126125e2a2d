"""A perceptron with tanh in plain numpy."""

import numpy as np

SHAPES = {
    "hidden.weight": (2, 16),
    "hidden.bias": (16,),
    "output.weight": (16, 1),
    "output.bias": (1,),
}


def _hidden(params, point):
    return np.tanh(point @ params["hidden.weight"] + params["hidden.bias"])  # (N, 2) -> (N, 16)


def forward(params, point):
    x = _hidden(params, point)  # (N, 16)
    return x @ params["output.weight"] + params["output.bias"]  # (N, 1)


def gradients(params, point, slope):
    """Of every weight, from the slope of the loss by the prediction, (N, 1)."""
    x = _hidden(params, point)  # (N, 16)
    inner = slope @ params["output.weight"].T * (1 - x**2)  # (N, 16)
    return {
        "hidden.weight": point.T @ inner,
        "hidden.bias": inner.sum(axis=0),
        "output.weight": x.T @ slope,
        "output.bias": slope.sum(axis=0),
    }
