"""A small convolutional network in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import MaxPool


class CNN(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 32, (3, 3), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(32, 64, (3, 3), padding="VALID", rngs=rngs)
        self.pool = MaxPool()
        self.hidden = nnx.Linear(6 * 6 * 64, 64, rngs=rngs)
        self.output = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.conv1(x))  # (N, 32, 32, 3) -> (N, 30, 30, 32)
        x = self.pool(x)  # (N, 15, 15, 32)
        x = nnx.relu(self.conv2(x))  # (N, 13, 13, 64)
        x = self.pool(x)  # (N, 6, 6, 64)
        x = x.reshape(len(x), -1)  # (N, 6, 6, 64) -> (N, 6*6*64)
        x = nnx.relu(self.hidden(x))  # (N, 64)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return CNN(rngs=rngs)
