"""An LSTM over words in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn, rnn

from bench.core.task import Task


class LSTM(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(25_000, 100)
        self.lstm = rnn.LSTM(256, input_size=100)
        self.output = nn.Dense(1, in_units=256)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        # The fused operator is time-major. Tokens are transposed, because features are larger.
        x = F.transpose(x)  # (N, T) -> (T, N)
        x = self.embedding(x)  # (T, N, 100)
        x = self.lstm(x)  # (T, N, 256)
        # Not SequenceLast: its gradient crashes eager mode when no lengths are given.
        x = F.slice_axis(x, axis=0, begin=-1, end=None)  # the last state: (1, N, 256)
        x = F.squeeze(x, axis=0)  # (1, N, 256) -> (N, 256)
        return self.output(x)  # (N, 1)


def build(task: Task) -> HybridBlock:
    return LSTM()
