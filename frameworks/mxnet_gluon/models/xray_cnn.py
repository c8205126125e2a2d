"""A convolutional network for large grey pictures in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class XrayCNN(HybridBlock):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(32, 3, in_channels=1, activation="relu")
        self.conv2 = nn.Conv2D(64, 3, in_channels=32, activation="relu")
        self.pool = nn.MaxPool2D(2)
        self.hidden = nn.Dense(64, in_units=64 * side * side, activation="relu")
        self.output = nn.Dense(1, in_units=64)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.conv1(x)  # (N, 1, 256, 256) -> (N, 32, 254, 254)
        x = self.pool(x)  # (N, 32, 127, 127)
        x = self.conv2(x)  # (N, 64, 125, 125)
        x = self.pool(x)  # (N, 64, 62, 62)
        x = F.flatten(x)  # (N, 64, 62, 62) -> (N, 64*62*62)
        x = self.hidden(x)  # (N, 64)
        return self.output(x)  # (N, 1)


def build(task: Task) -> HybridBlock:
    _, side, _ = task.fields["image"].shape
    return XrayCNN(((side - 2) // 2 - 2) // 2)  # behind each convolution and its pooling
