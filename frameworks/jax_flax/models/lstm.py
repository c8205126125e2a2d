"""An LSTM over words in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class LSTM(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Embed(25_000, 100, rngs=rngs)
        cell = nnx.OptimizedLSTMCell(100, 256, rngs=rngs)  # one product for all four gates
        self.lstm = nnx.RNN(cell, return_carry=True, rngs=rngs)
        self.output = nnx.Linear(256, 1, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.embedding(x)  # (N, T) -> (N, T, 100)
        (_, x), _ = self.lstm(x)  # the last state: (N, 256)
        return self.output(x)  # (N, 1)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return LSTM(rngs=rngs)
