"""Two LSTMs with attention in PaddlePaddle."""

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task


class Seq2Seq(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(8_000, 128)
        self.encoder = nn.LSTM(128, 256)
        self.target_embedding = nn.Embedding(8_000, 128)
        self.decoder = nn.LSTM(128, 256)
        self.combine = nn.Linear(512, 256, bias_attr=False)
        self.output = nn.Linear(256, 8_000)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        x = self.source_embedding(source)  # (N, S) -> (N, S, 128)
        encoded, last = self.encoder(x)  # (N, S, 256), and the last state and cell
        x = self.target_embedding(previous)  # (N, T) -> (N, T, 128)
        x, _ = self.decoder(x, last)  # (N, T, 256)
        is_padding = (source == 0).unsqueeze(1)  # (N, 1, S)
        scores = paddle.matmul(x, encoded, transpose_y=True)  # (N, T, S)
        scores = paddle.masked_fill(scores, is_padding, float("-inf"))
        context = paddle.matmul(F.softmax(scores), encoded)  # (N, T, 256)
        x = paddle.concat([context, x], axis=2)  # (N, T, 512)
        x = paddle.tanh(self.combine(x))  # (N, T, 256)
        return self.output(x)  # (N, T, 8000)


def build(task: Task) -> nn.Layer:
    return Seq2Seq()
