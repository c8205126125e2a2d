"""Softmax regression in PaddlePaddle."""

from paddle import Tensor, nn

from bench.core.task import Task


class Softmax(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(x)  # (N, 784) -> (N, 10)


def build(task: Task) -> nn.Layer:
    return Softmax()
