"""A GRU over words in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn, rnn

from bench.core.task import Task


class GRU(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30_000, 125)
        self.gru = rnn.GRU(100, input_size=125)
        self.output = nn.Dense(2, in_units=100)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        # The fused operator is time-major. Tokens are transposed, because features are larger.
        x = F.transpose(x)  # (N, T) -> (T, N)
        x = self.embedding(x)  # (T, N, 125)
        x = self.gru(x)  # (T, N, 100)
        # Not SequenceLast: its gradient crashes eager mode when no lengths are given.
        x = F.slice_axis(x, axis=0, begin=-1, end=None)  # the last state: (1, N, 100)
        x = F.squeeze(x, axis=0)  # (1, N, 100) -> (N, 100)
        return self.output(x)  # (N, 2)


def build(task: Task) -> HybridBlock:
    return GRU()
