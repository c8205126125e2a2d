"""Bidirectional LSTMs over words as a formula."""

from frameworks.reference.layers import (
    Dropout,
    Params,
    Value,
    bidirectional_lstm,
    dense,
    embedding,
)


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = embedding(params, "embedding", x)  # (N, T) -> (N, T, 128)
    x = bidirectional_lstm(params, "lstm", x, depth=2)  # both last states: (N, 128)
    return dense(params, "output", x)  # (N, 1)
