"""Softmax regression in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class Softmax(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Dense(10, in_units=784)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        return self.output(x)  # (N, 784) -> (N, 10)


def build(task: Task) -> HybridBlock:
    return Softmax()
