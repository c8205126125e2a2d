"""Softmax regression in PyTorch."""

from torch import Tensor, nn

from bench.core.task import Task


class Softmax(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(x)  # (N, 784) -> (N, 10)


def build(task: Task) -> nn.Module:
    return Softmax()
