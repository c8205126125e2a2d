"""A multilayer perceptron with dropout in PyTorch."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


class MLPDropout(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 128)
        self.dropout = nn.Dropout(rate)
        self.output = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.hidden(x))  # (N, 784) -> (N, 128)
        x = self.dropout(x)
        return self.output(x)  # (N, 10)


def build(task: Task) -> nn.Module:
    return MLPDropout(task.dropout["hidden"])
