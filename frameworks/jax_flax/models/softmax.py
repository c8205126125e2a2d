"""Softmax regression in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class Softmax(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.output = nnx.Linear(784, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return self.output(x)  # (N, 784) -> (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return Softmax(rngs=rngs)
