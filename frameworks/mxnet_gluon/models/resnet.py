"""A residual network for small pictures in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class Block(HybridBlock):
    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(channels, 3, stride, padding=1, in_channels=inputs, use_bias=False)
        self.norm1 = nn.BatchNorm(in_channels=channels)
        self.conv2 = nn.Conv2D(channels, 3, padding=1, in_channels=channels, use_bias=False)
        self.norm2 = nn.BatchNorm(in_channels=channels)
        self.stride = stride

    def shortcut(self, F: Any, x: Any) -> Any:  # noqa: N803
        if self.stride == 1:
            return x
        every, step = (None, None, None, None), (1, 1, self.stride, self.stride)
        x = F.slice(x, begin=every, end=every, step=step)  # (N, C, H, W) -> (N, C, H/2, W/2)
        return F.concat(x, F.zeros_like(x), dim=1)  # (N, 2*C, H/2, W/2): zeros behind

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        y = F.relu(self.norm1(self.conv1(x)))  # (N, C, H, W) -> (N, 2*C, H/2, W/2), if in stride 2
        y = self.norm2(self.conv2(y))
        return F.relu(y + self.shortcut(F, x))


class ResNet(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(16, 3, padding=1, in_channels=3, use_bias=False)
        self.norm1 = nn.BatchNorm(in_channels=16)
        self.stage1 = nn.HybridSequential()
        self.stage1.add(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.stage2 = nn.HybridSequential()
        self.stage2.add(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.stage3 = nn.HybridSequential()
        self.stage3.add(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.pool = nn.GlobalAvgPool2D()
        self.output = nn.Dense(10, in_units=64)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = F.relu(self.norm1(self.conv1(x)))  # (N, 3, 32, 32) -> (N, 16, 32, 32)
        x = self.stage1(x)  # (N, 16, 32, 32)
        x = self.stage2(x)  # (N, 32, 16, 16)
        x = self.stage3(x)  # (N, 64, 8, 8)
        x = self.pool(x)  # (N, 64, 1, 1)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return ResNet()
