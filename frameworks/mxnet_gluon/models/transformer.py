"""A Transformer block over words in MXNet Gluon."""

from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task
from frameworks.mxnet_gluon.layers import Attention


class Transformer(HybridBlock):
    def __init__(self, steps: int, rates: Mapping[str, float]) -> None:
        super().__init__()
        self.token = nn.Embedding(20_000, 32)
        self.position = nn.Embedding(200, 32)
        self.attention = Attention(32, 2, steps=steps)
        self.dropout1 = nn.Dropout(rates["attention"])
        self.attention_norm = nn.LayerNorm(epsilon=2**-20, in_channels=32)
        self.expand = nn.Dense(32, in_units=32, activation="relu", flatten=False)
        self.contract = nn.Dense(32, in_units=32, flatten=False)
        self.dropout2 = nn.Dropout(rates["contract"])
        self.feed_norm = nn.LayerNorm(epsilon=2**-20, in_channels=32)
        self.dropout3 = nn.Dropout(rates["feed_norm"])
        self.hidden = nn.Dense(20, in_units=32, activation="relu")
        self.dropout4 = nn.Dropout(rates["hidden"])
        self.output = nn.Dense(2, in_units=20)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.token(x)  # (N, T) -> (N, T, 32)
        places = self.position(F.contrib.arange_like(x, axis=1))  # (T, 32)
        x = F.broadcast_add(x, F.expand_dims(places, axis=0))
        y = self.attention(x)
        x = self.attention_norm(x + self.dropout1(y))
        y = self.contract(self.expand(x))
        x = self.feed_norm(x + self.dropout2(y))
        x = F.mean(x, axis=1)  # (N, T, 32) -> (N, 32)
        x = self.dropout3(x)
        x = self.hidden(x)  # (N, 20)
        x = self.dropout4(x)
        return self.output(x)  # (N, 2)


def build(task: Task) -> HybridBlock:
    assert task.length
    return Transformer(task.length, task.dropout)
