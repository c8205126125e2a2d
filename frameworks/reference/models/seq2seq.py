"""Two LSTMs with attention as formulas."""

import autograd.numpy as np

from frameworks.reference.attention import dot_attention
from frameworks.reference.layers import Dropout, Params, Value, dense, embedding, lstm_states


def forward(params: Params, source: Value, previous: Value, dropout: Dropout) -> Value:
    x = embedding(params, "source_embedding", source)  # (N, S) -> (N, S, 128)
    encoded, cell = lstm_states(params, "encoder", x)  # S times (N, 256)
    x = embedding(params, "target_embedding", previous)  # (N, T) -> (N, T, 128)
    decoded, _ = lstm_states(params, "decoder", x, start=(encoded[-1], cell))
    states = np.stack(decoded, 1)  # T times (N, 256) -> (N, T, 256)
    context = dot_attention(states, np.stack(encoded, 1), source != 0)  # (N, T, 256)
    x = np.concatenate([context, states], axis=2)  # (N, T, 512)
    x = np.tanh(dense(params, "combine", x))  # (N, T, 256)
    return dense(params, "output", x)  # (N, T, 8000)
