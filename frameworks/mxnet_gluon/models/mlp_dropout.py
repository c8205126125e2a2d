"""A multilayer perceptron with dropout in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class MLPDropout(HybridBlock):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.hidden = nn.Dense(128, in_units=784, activation="relu")
        self.dropout = nn.Dropout(rate)
        self.output = nn.Dense(10, in_units=128)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.hidden(x)  # (N, 784) -> (N, 128)
        x = self.dropout(x)
        return self.output(x)  # (N, 10)


def build(task: Task) -> HybridBlock:
    return MLPDropout(task.dropout["hidden"])
