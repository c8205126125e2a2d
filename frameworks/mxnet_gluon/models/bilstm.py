"""Bidirectional LSTMs over words in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn, rnn

from bench.core.task import Task


class BiLSTM(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20_000, 128)
        self.lstm = rnn.LSTM(64, num_layers=2, bidirectional=True, input_size=128)
        self.output = nn.Dense(1, in_units=128)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        # The fused operator is time-major. Tokens are transposed, because features are larger.
        x = F.transpose(x)  # (N, T) -> (T, N)
        x = self.embedding(x)  # (T, N, 128)
        x = self.lstm(x)  # (T, N, 128): both directions' states of each step
        forward = F.slice(x, begin=(-1, None, None), end=(None, None, 64))  # (1, N, 64)
        backward = F.slice(x, begin=(0, None, 64), end=(1, None, None))  # (1, N, 64)
        x = F.concat(forward, backward, dim=2)  # the last layer's last states: (1, N, 128)
        x = F.squeeze(x, axis=0)  # (1, N, 128) -> (N, 128)
        return self.output(x)  # (N, 1)


def build(task: Task) -> HybridBlock:
    return BiLSTM()
