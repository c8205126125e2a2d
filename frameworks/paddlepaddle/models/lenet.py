"""LeNet in PaddlePaddle."""

from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task


class LeNet(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, 6, 5)
        self.conv2 = nn.Conv2D(6, 16, 5)
        self.dense1 = nn.Linear(16 * 5 * 5, 120)
        self.dense2 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))  # (N, 3, 32, 32) -> (N, 6, 28, 28)
        x = F.max_pool2d(x, 2)  # (N, 6, 14, 14)
        x = F.relu(self.conv2(x))  # (N, 16, 10, 10)
        x = F.max_pool2d(x, 2)  # (N, 16, 5, 5)
        x = x.flatten(1)  # (N, 16, 5, 5) -> (N, 16*5*5)
        x = F.relu(self.dense1(x))  # (N, 120)
        x = F.relu(self.dense2(x))  # (N, 84)
        return self.output(x)  # (N, 10)


def build(task: Task) -> nn.Layer:
    return LeNet()
