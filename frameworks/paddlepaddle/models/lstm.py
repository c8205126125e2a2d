"""An LSTM over words in PaddlePaddle."""

from paddle import Tensor, nn

from bench.core.task import Task


class LSTM(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(25_000, 100)
        self.lstm = nn.LSTM(100, 256)
        self.output = nn.Linear(256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)  # (N, T) -> (N, T, 100)
        x, _ = self.lstm(x)  # (N, T, 256)
        x = x[:, -1]  # the last state: (N, 256)
        return self.output(x)  # (N, 1)


def build(task: Task) -> nn.Layer:
    return LSTM()
