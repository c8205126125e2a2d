"""Two graph convolutions in PyTorch."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task
from frameworks.pytorch.graphs import GraphConvolution, Sparse


class GCN(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.first = GraphConvolution(1433, 16)
        self.dropout = nn.Dropout(rate)
        self.second = GraphConvolution(16, 7)

    def forward(self, words: Sparse, links: Sparse) -> tuple[Tensor, Tensor]:
        x = F.relu(self.first(words, links))  # (2708, 1433) -> (2708, 16)
        x = self.dropout(x)
        x = self.second(x, links)  # (2708, 7)
        penalty = 2**-12 * self.first.weight.square().sum()
        return x[None], penalty[None, None]  # (1, 2708, 7), (1, 1)


def build(task: Task) -> nn.Module:
    return GCN(task.dropout["first"])
