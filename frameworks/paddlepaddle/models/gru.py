"""A GRU over words in PaddlePaddle."""

from paddle import Tensor, nn

from bench.core.task import Task


class GRU(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30_000, 125)
        self.gru = nn.GRU(125, 100)
        self.output = nn.Linear(100, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)  # (N, T) -> (N, T, 125)
        x, _ = self.gru(x)  # (N, T, 100)
        x = x[:, -1]  # the last state: (N, 100)
        return self.output(x)  # (N, 2)


def build(task: Task) -> nn.Layer:
    return GRU()
