"""A multilayer perceptron with dropout in PaddlePaddle."""

from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task


class MLPDropout(nn.Layer):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 128)
        self.dropout = nn.Dropout(rate)
        self.output = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.hidden(x))  # (N, 784) -> (N, 128)
        x = self.dropout(x)
        return self.output(x)  # (N, 10)


def build(task: Task) -> nn.Layer:
    return MLPDropout(task.dropout["hidden"])
