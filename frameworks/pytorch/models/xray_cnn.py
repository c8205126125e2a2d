"""A convolutional network for large grey pictures in PyTorch."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


class XrayCNN(nn.Module):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.hidden = nn.Linear(64 * side * side, 64)
        self.output = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))  # (N, 1, 256, 256) -> (N, 32, 254, 254)
        x = F.max_pool2d(x, 2)  # (N, 32, 127, 127)
        x = F.relu(self.conv2(x))  # (N, 64, 125, 125)
        x = F.max_pool2d(x, 2)  # (N, 64, 62, 62)
        x = x.flatten(1)  # (N, 64, 62, 62) -> (N, 64*62*62)
        x = F.relu(self.hidden(x))  # (N, 64)
        return self.output(x)  # (N, 1)


def build(task: Task) -> nn.Module:
    _, side, _ = task.fields["image"].shape
    return XrayCNN(((side - 2) // 2 - 2) // 2)  # behind each convolution and its pooling
