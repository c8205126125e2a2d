"""A GPT in JAX/Flax."""

from functools import partial

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import Attention, LayerNorm, rows

Norm = partial(LayerNorm, epsilon=2**-17, use_bias=False)


def dropout(rate: float, rngs: nnx.Rngs) -> nnx.Dropout:
    """One of rate 0 has no random state, which each step would carry along."""
    return nnx.Dropout(rate, rngs=rngs if rate else None)


class Block(nnx.Module):
    def __init__(self, task: Task, name: str, *, features: int, heads: int, rngs: nnx.Rngs) -> None:
        self.attention_norm = Norm(features, rngs=rngs)
        self.attention = Attention(heads, features, rngs=rngs)
        self.dropout1 = dropout(task.rate(f"{name}.attention"), rngs)
        self.feed_norm = Norm(features, rngs=rngs)
        self.expand = nnx.Linear(features, 4 * features, use_bias=False, rngs=rngs)
        self.contract = nnx.Linear(4 * features, features, use_bias=False, rngs=rngs)
        self.dropout2 = dropout(task.rate(f"{name}.contract"), rngs)

    def __call__(self, x: Array) -> Array:
        x = x + self.dropout1(self.attention(self.attention_norm(x), is_causal=True))
        y = rows(self.feed_norm(x))  # (N * T, features)
        y = self.contract(nnx.gelu(self.expand(y)))  # by tanh
        return x + self.dropout2(y.reshape(x.shape))


class GPT(nnx.Module):
    def __init__(
        self,
        task: Task,
        *,
        steps: int,
        blocks: int,
        features: int,
        heads: int,
        rngs: nnx.Rngs,
    ) -> None:
        self.token = nnx.Embed(65, features, rngs=rngs)
        self.position = nnx.Embed(steps, features, rngs=rngs)
        self.dropout = dropout(task.rate("position"), rngs)
        names = [f"blocks.{number}" for number in range(blocks)]
        self.blocks = nnx.Sequential(
            *(Block(task, name, features=features, heads=heads, rngs=rngs) for name in names)
        )
        self.norm = Norm(features, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.token(x) + self.position.embedding[: x.shape[1]]  # (N, T) -> (N, T, features)
        x = self.dropout(x)
        x = self.blocks(x)
        x = self.norm(x)
        return self.token.attend(rows(x)).reshape(*x.shape[:2], -1)  # tied: (N, T, 65)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GPT(task, steps=64, blocks=4, features=128, heads=8, rngs=rngs)
