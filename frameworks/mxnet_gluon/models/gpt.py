"""A GPT in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task
from frameworks.mxnet_gluon.layers import Attention


def gelu(F: Any, x: Any) -> Any:  # noqa: N803
    """By tanh, as in GPT-2; MXNet's own is the one by erf."""
    return 0.5 * x * (1 + F.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def norm(features: int) -> HybridBlock:
    return nn.LayerNorm(epsilon=2**-17, center=False, in_channels=features)


class Block(HybridBlock):
    def __init__(self, task: Task, name: str, *, features: int, heads: int) -> None:
        super().__init__()
        assert task.length
        self.attention_norm = norm(features)
        self.attention = Attention(features, heads, steps=task.length, causal=True)
        self.dropout1 = nn.Dropout(task.rate(f"{name}.attention"))
        self.feed_norm = norm(features)
        self.expand = nn.Dense(4 * features, in_units=features, use_bias=False, flatten=False)
        self.contract = nn.Dense(features, in_units=4 * features, use_bias=False, flatten=False)
        self.dropout2 = nn.Dropout(task.rate(f"{name}.contract"))

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = x + self.dropout1(self.attention(self.attention_norm(x)))
        y = gelu(F, self.expand(self.feed_norm(x)))  # (N, T, 4 * features)
        return x + self.dropout2(self.contract(y))


class GPT(HybridBlock):
    def __init__(self, task: Task, *, steps: int, blocks: int, features: int, heads: int) -> None:
        super().__init__()
        self.token = nn.Embedding(65, features)
        self.position = nn.Embedding(steps, features)
        self.dropout = nn.Dropout(task.rate("position"))
        names = [f"blocks.{number}" for number in range(blocks)]
        self.blocks = nn.HybridSequential()
        self.blocks.add(*(Block(task, name, features=features, heads=heads) for name in names))
        self.norm = norm(features)
        self.output = nn.Dense(
            65, in_units=features, use_bias=False, flatten=False, params=self.token.params
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.token(x)  # (N, T) -> (N, T, features)
        places = self.position(F.contrib.arange_like(x, axis=1))  # (T, features)
        x = F.broadcast_add(x, F.expand_dims(places, axis=0))
        x = self.dropout(x)
        x = self.blocks(x)
        x = self.norm(x)
        return self.output(x)  # tied: (N, T, 65)


def build(task: Task) -> HybridBlock:
    return GPT(task, steps=64, blocks=4, features=128, heads=8)
