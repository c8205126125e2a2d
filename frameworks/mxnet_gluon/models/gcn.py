"""Two graph convolutions in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task
from frameworks.mxnet_gluon.graphs import GraphConvolution


class GCN(HybridBlock):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.first = GraphConvolution(1433, 16)
        self.first_weight = self.first.weight  # of which the penalty is
        self.dropout = nn.Dropout(rate)
        self.second = GraphConvolution(16, 7)

    def hybrid_forward(self, F: Any, words: Any, links: Any, first_weight: Any) -> Any:  # noqa: N803
        x = F.relu(self.first(words, links))  # (2708, 1433) -> (2708, 16)
        x = self.dropout(x)
        x = self.second(x, links)  # (2708, 7)
        penalty = 2**-12 * F.sum(F.square(first_weight))
        return F.expand_dims(x, 0), F.expand_dims(penalty, 0)  # (1, 2708, 7), (1, 1)


def build(task: Task) -> HybridBlock:
    return GCN(task.dropout["first"])
