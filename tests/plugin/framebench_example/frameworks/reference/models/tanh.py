"""A perceptron with tanh as a formula."""

import autograd.numpy as np

from frameworks.reference.layers import Dropout, Params, Value, dense


def forward(params: Params, point: Value, dropout: Dropout) -> Value:
    x = np.tanh(dense(params, "hidden", point))  # (N, 2) -> (N, 16)
    return dense(params, "output", x)  # (N, 1)
