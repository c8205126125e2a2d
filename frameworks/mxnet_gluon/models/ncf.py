"""The product of a user's and an item's factors in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


class NCF(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.user = nn.Embedding(943, 50)
        self.item = nn.Embedding(1682, 50)

    def hybrid_forward(self, F: Any, user: Any, item: Any) -> Any:  # noqa: N803
        user = self.user(user)  # (N,) -> (N, 50)
        item = self.item(item)  # (N,) -> (N, 50)
        return F.sum(user * item, axis=1, keepdims=True)  # (N, 1)


def build(task: Task) -> HybridBlock:
    return NCF()
