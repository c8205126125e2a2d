"""A convolutional network for large grey pictures in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import MaxPool


class XrayCNN(nnx.Module):
    def __init__(self, side: int, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 32, (3, 3), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(32, 64, (3, 3), padding="VALID", rngs=rngs)
        self.pool = MaxPool()
        self.hidden = nnx.Linear(side * side * 64, 64, rngs=rngs)
        self.output = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.conv1(x))  # (N, 256, 256, 1) -> (N, 254, 254, 32)
        x = self.pool(x)  # (N, 127, 127, 32)
        x = nnx.relu(self.conv2(x))  # (N, 125, 125, 64)
        x = self.pool(x)  # (N, 62, 62, 64)
        x = x.reshape(len(x), -1)  # (N, 62, 62, 64) -> (N, 62*62*64)
        x = nnx.relu(self.hidden(x))  # (N, 64)
        return self.output(x)  # (N, 1)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    _, side, _ = task.fields["image"].shape
    return XrayCNN(((side - 2) // 2 - 2) // 2, rngs=rngs)  # behind each convolution and its pooling
