"""A Transformer block over words in JAX/Flax."""

from collections.abc import Mapping
from functools import partial

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import Attention, LayerNorm, rows

Norm = partial(LayerNorm, epsilon=2**-20)


class Transformer(nnx.Module):
    def __init__(self, rates: Mapping[str, float], *, rngs: nnx.Rngs) -> None:
        self.token = nnx.Embed(20_000, 32, rngs=rngs)
        self.position = nnx.Embed(200, 32, rngs=rngs)
        self.attention = Attention(2, 32, rngs=rngs)
        self.dropout1 = nnx.Dropout(rates["attention"], rngs=rngs)
        self.attention_norm = Norm(32, rngs=rngs)
        self.expand = nnx.Linear(32, 32, rngs=rngs)
        self.contract = nnx.Linear(32, 32, rngs=rngs)
        self.dropout2 = nnx.Dropout(rates["contract"], rngs=rngs)
        self.feed_norm = Norm(32, rngs=rngs)
        self.dropout3 = nnx.Dropout(rates["feed_norm"], rngs=rngs)
        self.hidden = nnx.Linear(32, 20, rngs=rngs)
        self.dropout4 = nnx.Dropout(rates["hidden"], rngs=rngs)
        self.output = nnx.Linear(20, 2, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.token(x) + self.position.embedding[: x.shape[1]]  # (N, T) -> (N, T, 32)
        y = self.attention(x)
        x = self.attention_norm(x + self.dropout1(y))
        y = self.contract(nnx.relu(self.expand(rows(x))))
        x = self.feed_norm(x + self.dropout2(y.reshape(x.shape)))
        x = x.mean(1)  # (N, T, 32) -> (N, 32)
        x = self.dropout3(x)
        x = nnx.relu(self.hidden(x))  # (N, 20)
        x = self.dropout4(x)
        return self.output(x)  # (N, 2)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return Transformer(task.dropout, rngs=rngs)
