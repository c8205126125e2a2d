"""Bidirectional LSTMs over words in PaddlePaddle."""

import paddle
from paddle import Tensor, nn

from bench.core.task import Task


class BiLSTM(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20_000, 128)
        self.lstm = nn.LSTM(128, 64, num_layers=2, direction="bidirect")
        self.output = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)  # (N, T) -> (N, T, 128)
        _, (h, _) = self.lstm(x)  # (4, N, 64): two layers of two directions
        x = paddle.concat([h[-2], h[-1]], axis=1)  # the last layer's last states: (N, 128)
        return self.output(x)  # (N, 1)


def build(task: Task) -> nn.Layer:
    return BiLSTM()
