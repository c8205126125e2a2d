"""A perceptron with tanh in PyTorch."""

import torch
from torch import Tensor, nn

from bench.core.task import Task


class Tanh(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 16)
        self.output = nn.Linear(16, 1)

    def forward(self, point: Tensor) -> Tensor:
        x = torch.tanh(self.hidden(point))  # (N, 2) -> (N, 16)
        return self.output(x)  # (N, 1)


def build(task: Task) -> nn.Module:
    return Tanh()
