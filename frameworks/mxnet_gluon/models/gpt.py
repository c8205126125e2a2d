"""A GPT in MXNet Gluon."""

from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task
from frameworks.mxnet_gluon.layers import Attention


def gelu(F: Any, x: Any) -> Any:  # noqa: N803
    """By tanh, as in GPT-2; MXNet's own is the one by erf."""
    return 0.5 * x * (1 + F.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


class Block(HybridBlock):
    def __init__(self, steps: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(epsilon=2**-17, center=False, in_channels=128)
        self.attention = Attention(128, 8, steps=steps, causal=True)
        self.feed_norm = nn.LayerNorm(epsilon=2**-17, center=False, in_channels=128)
        self.expand = nn.Dense(512, in_units=128, use_bias=False, flatten=False)
        self.contract = nn.Dense(128, in_units=512, use_bias=False, flatten=False)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = x + self.attention(self.attention_norm(x))
        y = gelu(F, self.expand(self.feed_norm(x)))  # (N, T, 512)
        return x + self.contract(y)


class GPT(HybridBlock):
    def __init__(self, steps: int) -> None:
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.HybridSequential()
        self.blocks.add(Block(steps), Block(steps), Block(steps), Block(steps))
        self.norm = nn.LayerNorm(epsilon=2**-17, center=False, in_channels=128)
        self.output = nn.Dense(
            65, in_units=128, use_bias=False, flatten=False, params=self.token.params
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = self.token(x)  # (N, T) -> (N, T, 128)
        places = self.position(F.contrib.arange_like(x, axis=1))  # (T, 128)
        x = F.broadcast_add(x, F.expand_dims(places, axis=0))
        x = self.blocks(x)
        x = self.norm(x)
        return self.output(x)  # tied: (N, T, 65)


def build(task: Task) -> HybridBlock:
    assert task.length
    return GPT(task.length)
