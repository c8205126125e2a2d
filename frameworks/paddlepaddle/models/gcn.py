"""Two graph convolutions in PaddlePaddle."""

from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task
from frameworks.paddlepaddle.graphs import GraphConvolution, Sparse


class GCN(nn.Layer):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.first = GraphConvolution(2708, 1433, 16)
        self.dropout = nn.Dropout(rate)
        self.second = GraphConvolution(2708, 16, 7)

    def forward(self, words: Sparse, links: Sparse) -> tuple[Tensor, Tensor]:
        x = F.relu(self.first(words, links))  # (2708, 1433) -> (2708, 16)
        x = self.dropout(x)
        x = self.second(x, links)  # (2708, 7)
        penalty = 2**-12 * self.first.weight.square().sum()
        return x.unsqueeze(0), penalty.reshape([1, 1])  # (1, 2708, 7), (1, 1)


def build(task: Task) -> nn.Layer:
    return GCN(task.dropout["first"])
