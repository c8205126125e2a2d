"""A multilayer perceptron in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class MLP(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Dense(128, in_units=784, activation="relu")
        self.output = nn.Dense(10, in_units=128)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.hidden(x)  # (N, 784) -> (N, 128)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return MLP()
