"""An LSTM over words as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, dense, embedding, lstm


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = embedding(params, "embedding", x)  # (N, T) -> (N, T, 100)
    x = lstm(params, "lstm", x)  # the last state: (N, 256)
    return dense(params, "output", x)  # (N, 1)
