"""A VGG-style convolutional network with dropout in PyTorch."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


class VGG(nn.Module):
    def __init__(self, rates: Mapping[str, float]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 50, 3, padding=1)
        self.conv2 = nn.Conv2d(50, 50, 3, padding=1)
        self.dropout1 = nn.Dropout(rates["conv2"])
        self.conv3 = nn.Conv2d(50, 100, 3, padding=1)
        self.conv4 = nn.Conv2d(100, 100, 3, padding=1)
        self.dropout2 = nn.Dropout(rates["conv4"])
        self.hidden = nn.Linear(100 * 8 * 8, 512)
        self.dropout3 = nn.Dropout(rates["hidden"])
        self.output = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))  # (N, 3, 32, 32) -> (N, 50, 32, 32)
        x = F.relu(self.conv2(x))  # (N, 50, 32, 32)
        x = F.max_pool2d(x, 2)  # (N, 50, 16, 16)
        x = self.dropout1(x)
        x = F.relu(self.conv3(x))  # (N, 100, 16, 16)
        x = F.relu(self.conv4(x))  # (N, 100, 16, 16)
        x = F.max_pool2d(x, 2)  # (N, 100, 8, 8)
        x = self.dropout2(x)
        x = x.flatten(1)  # (N, 100, 8, 8) -> (N, 100*8*8)
        x = F.relu(self.hidden(x))  # (N, 512)
        x = self.dropout3(x)
        return self.output(x)  # (N, 10)


def build(task: Task) -> nn.Module:
    return VGG(task.dropout)
