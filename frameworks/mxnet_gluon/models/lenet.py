"""LeNet in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class LeNet(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(6, 5, in_channels=3, activation="relu")
        self.conv2 = nn.Conv2D(16, 5, in_channels=6, activation="relu")
        self.pool = nn.MaxPool2D(2)
        self.dense1 = nn.Dense(120, in_units=16 * 5 * 5, activation="relu")
        self.dense2 = nn.Dense(84, in_units=120, activation="relu")
        self.output = nn.Dense(10, in_units=84)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.conv1(x)  # (N, 3, 32, 32) -> (N, 6, 28, 28)
        x = self.pool(x)  # (N, 6, 14, 14)
        x = self.conv2(x)  # (N, 16, 10, 10)
        x = self.pool(x)  # (N, 16, 5, 5)
        x = F.flatten(x)  # (N, 16, 5, 5) -> (N, 16*5*5)
        x = self.dense1(x)  # (N, 120)
        x = self.dense2(x)  # (N, 84)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return LeNet()
