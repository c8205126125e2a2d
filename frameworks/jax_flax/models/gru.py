"""A GRU over words in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class GRU(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Embed(30_000, 125, rngs=rngs)
        cell = nnx.GRUCell(125, 100, rngs=rngs)
        cell.dense_h = nnx.Linear(100, 3 * 100, rngs=rngs)  # Flax's own has no recurrent bias
        self.gru = nnx.RNN(cell, return_carry=True, rngs=rngs)
        self.output = nnx.Linear(100, 2, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.embedding(x)  # (N, T) -> (N, T, 125)
        x, _ = self.gru(x)  # the last state: (N, 100)
        return self.output(x)  # (N, 2)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GRU(rngs=rngs)
