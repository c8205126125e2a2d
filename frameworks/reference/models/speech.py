"""Two GRUs over frames of sound as a formula."""

import autograd.numpy as np

from frameworks.reference.layers import Dropout, Params, Value, dense, gru_states


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = np.stack(gru_states(params, "lower", x), 1)  # (N, T, 40) -> (N, T, 128)
    x = np.stack(gru_states(params, "upper", x), 1)  # (N, T, 128)
    return dense(params, "output", x)  # (N, T, 28)
