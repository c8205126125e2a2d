"""Two GRUs over frames of sound in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn, rnn

from bench.core.task import Task


class Speech(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.lower = rnn.GRU(128, input_size=40)
        self.upper = rnn.GRU(128, input_size=128)
        self.output = nn.Dense(28, in_units=128, flatten=False)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = F.swapaxes(x, 0, 1)  # the fused operator is time-major: (N, T, 40) -> (T, N, 40)
        x = self.lower(x)  # (T, N, 128)
        x = self.upper(x)  # (T, N, 128)
        x = self.output(x)  # (T, N, 28)
        return F.swapaxes(x, 0, 1)  # (N, T, 28)


def build(task: Task) -> HybridBlock:
    return Speech()
