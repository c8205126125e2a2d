"""A VGG-style convolutional network with dropout in MXNet Gluon."""

from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class VGG(HybridBlock):
    def __init__(self, rates: Mapping[str, float]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(50, 3, padding=1, in_channels=3, activation="relu")
        self.conv2 = nn.Conv2D(50, 3, padding=1, in_channels=50, activation="relu")
        self.dropout1 = nn.Dropout(rates["conv2"])
        self.conv3 = nn.Conv2D(100, 3, padding=1, in_channels=50, activation="relu")
        self.conv4 = nn.Conv2D(100, 3, padding=1, in_channels=100, activation="relu")
        self.dropout2 = nn.Dropout(rates["conv4"])
        self.pool = nn.MaxPool2D(2)
        self.hidden = nn.Dense(512, in_units=100 * 8 * 8, activation="relu")
        self.dropout3 = nn.Dropout(rates["hidden"])
        self.output = nn.Dense(10, in_units=512)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.conv1(x)  # (N, 3, 32, 32) -> (N, 50, 32, 32)
        x = self.conv2(x)  # (N, 50, 32, 32)
        x = self.pool(x)  # (N, 50, 16, 16)
        x = self.dropout1(x)
        x = self.conv3(x)  # (N, 100, 16, 16)
        x = self.conv4(x)  # (N, 100, 16, 16)
        x = self.pool(x)  # (N, 100, 8, 8)
        x = self.dropout2(x)
        x = F.flatten(x)  # (N, 100, 8, 8) -> (N, 100*8*8)
        x = self.hidden(x)  # (N, 512)
        x = self.dropout3(x)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return VGG(task.dropout)
