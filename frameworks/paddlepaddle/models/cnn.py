"""A small convolutional network in PaddlePaddle."""

from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task


class CNN(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, 32, 3)
        self.conv2 = nn.Conv2D(32, 64, 3)
        self.hidden = nn.Linear(64 * 6 * 6, 64)
        self.output = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))  # (N, 3, 32, 32) -> (N, 32, 30, 30)
        x = F.max_pool2d(x, 2)  # (N, 32, 15, 15)
        x = F.relu(self.conv2(x))  # (N, 64, 13, 13)
        x = F.max_pool2d(x, 2)  # (N, 64, 6, 6)
        x = x.flatten(1)  # (N, 64, 6, 6) -> (N, 64*6*6)
        x = F.relu(self.hidden(x))  # (N, 64)
        return self.output(x)  # (N, 10)


def build(task: Task) -> nn.Layer:
    return CNN()
