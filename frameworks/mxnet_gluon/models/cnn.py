"""A small convolutional network in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class CNN(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(32, 3, in_channels=3, activation="relu")
        self.conv2 = nn.Conv2D(64, 3, in_channels=32, activation="relu")
        self.pool = nn.MaxPool2D(2)
        self.hidden = nn.Dense(64, in_units=64 * 6 * 6, activation="relu")
        self.output = nn.Dense(10, in_units=64)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.conv1(x)  # (N, 3, 32, 32) -> (N, 32, 30, 30)
        x = self.pool(x)  # (N, 32, 15, 15)
        x = self.conv2(x)  # (N, 64, 13, 13)
        x = self.pool(x)  # (N, 64, 6, 6)
        x = F.flatten(x)  # (N, 64, 6, 6) -> (N, 64*6*6)
        x = self.hidden(x)  # (N, 64)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return CNN()
