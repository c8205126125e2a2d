"""A GRU over words as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, dense, embedding, gru


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = embedding(params, "embedding", x)  # (N, T) -> (N, T, 125)
    x = gru(params, "gru", x)  # the last state: (N, 100)
    return dense(params, "output", x)  # (N, 2)
