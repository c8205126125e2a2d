"""A VGG-style convolutional network with dropout in JAX/Flax."""

from collections.abc import Mapping

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import MaxPool


class VGG(nnx.Module):
    def __init__(self, rates: Mapping[str, float], *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 50, (3, 3), padding="SAME", rngs=rngs)
        self.conv2 = nnx.Conv(50, 50, (3, 3), padding="SAME", rngs=rngs)
        self.dropout1 = nnx.Dropout(rates["conv2"], rngs=rngs)
        self.conv3 = nnx.Conv(50, 100, (3, 3), padding="SAME", rngs=rngs)
        self.conv4 = nnx.Conv(100, 100, (3, 3), padding="SAME", rngs=rngs)
        self.dropout2 = nnx.Dropout(rates["conv4"], rngs=rngs)
        self.pool = MaxPool()
        self.hidden = nnx.Linear(8 * 8 * 100, 512, rngs=rngs)
        self.dropout3 = nnx.Dropout(rates["hidden"], rngs=rngs)
        self.output = nnx.Linear(512, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.conv1(x))  # (N, 32, 32, 3) -> (N, 32, 32, 50)
        x = nnx.relu(self.conv2(x))  # (N, 32, 32, 50)
        x = self.pool(x)  # (N, 16, 16, 50)
        x = self.dropout1(x)
        x = nnx.relu(self.conv3(x))  # (N, 16, 16, 100)
        x = nnx.relu(self.conv4(x))  # (N, 16, 16, 100)
        x = self.pool(x)  # (N, 8, 8, 100)
        x = self.dropout2(x)
        x = x.reshape(len(x), -1)  # (N, 8, 8, 100) -> (N, 8*8*100)
        x = nnx.relu(self.hidden(x))  # (N, 512)
        x = self.dropout3(x)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return VGG(task.dropout, rngs=rngs)
