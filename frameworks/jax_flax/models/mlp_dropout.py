"""A multilayer perceptron with dropout in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class MLPDropout(nnx.Module):
    def __init__(self, rate: float, *, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(784, 128, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.output = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.hidden(x))  # (N, 784) -> (N, 128)
        x = self.dropout(x)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return MLPDropout(task.dropout["hidden"], rngs=rngs)
