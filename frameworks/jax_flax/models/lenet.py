"""LeNet in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import MaxPool


class LeNet(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 6, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs)
        self.pool = MaxPool()
        self.dense1 = nnx.Linear(5 * 5 * 16, 120, rngs=rngs)
        self.dense2 = nnx.Linear(120, 84, rngs=rngs)
        self.output = nnx.Linear(84, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.conv1(x))  # (N, 32, 32, 3) -> (N, 28, 28, 6)
        x = self.pool(x)  # (N, 14, 14, 6)
        x = nnx.relu(self.conv2(x))  # (N, 10, 10, 16)
        x = self.pool(x)  # (N, 5, 5, 16)
        x = x.reshape(len(x), -1)  # (N, 5, 5, 16) -> (N, 5*5*16)
        x = nnx.relu(self.dense1(x))  # (N, 120)
        x = nnx.relu(self.dense2(x))  # (N, 84)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return LeNet(rngs=rngs)
