"""Two GRUs over frames of sound in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


def gru(inputs: int, hidden: int, *, rngs: nnx.Rngs) -> nnx.RNN:
    cell = nnx.GRUCell(inputs, hidden, rngs=rngs)
    cell.dense_h = nnx.Linear(hidden, 3 * hidden, rngs=rngs)  # Flax's own has no recurrent bias
    return nnx.RNN(cell, rngs=rngs)


class Speech(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.lower = gru(40, 128, rngs=rngs)
        self.upper = gru(128, 128, rngs=rngs)
        self.output = nnx.Linear(128, 28, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.lower(x)  # (N, T, 40) -> (N, T, 128)
        x = self.upper(x)  # (N, T, 128)
        return self.output(x)  # (N, T, 28)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return Speech(rngs=rngs)
