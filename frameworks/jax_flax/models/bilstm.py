"""Bidirectional LSTMs over words in JAX/Flax."""

from flax import nnx
from jax import Array
from jax import numpy as jnp

from bench.core.task import Task


def bidirectional(inputs: int, *, return_carry: bool, rngs: nnx.Rngs) -> nnx.Bidirectional:
    def direction() -> nnx.RNN:
        cell = nnx.OptimizedLSTMCell(inputs, 64, rngs=rngs)  # one product for all four gates
        return nnx.RNN(cell, rngs=rngs)

    return nnx.Bidirectional(direction(), direction(), return_carry=return_carry, rngs=rngs)


class BiLSTM(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Embed(20_000, 128, rngs=rngs)
        self.lstm = nnx.Sequential(
            bidirectional(128, return_carry=False, rngs=rngs),
            bidirectional(128, return_carry=True, rngs=rngs),
        )
        self.output = nnx.Linear(128, 1, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.embedding(x)  # (N, T) -> (N, T, 128)
        ((_, forward), (_, backward)), _ = self.lstm(x)  # the last states: (N, 64) each
        x = jnp.concatenate([forward, backward], axis=1)  # (N, 128)
        return self.output(x)  # (N, 1)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return BiLSTM(rngs=rngs)
