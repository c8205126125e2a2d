"""A multilayer perceptron in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class MLP(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(784, 128, rngs=rngs)
        self.output = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.hidden(x))  # (N, 784) -> (N, 128)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return MLP(rngs=rngs)
