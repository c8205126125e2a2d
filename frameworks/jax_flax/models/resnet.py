"""A residual network for small pictures in JAX/Flax."""

from functools import partial

from flax import nnx
from jax import Array
from jax import numpy as jnp

from bench.core.task import Task

# Padded by one pixel on each side: in stride 2, "SAME" would pad only the far sides.
Conv = partial(nnx.Conv, kernel_size=(3, 3), padding=1, use_bias=False)
# The variance as the other frameworks compute it: the default, E[x^2] - E[x]^2, loses digits.
Norm = partial(nnx.BatchNorm, momentum=0.9, epsilon=1e-5, use_fast_variance=False)


class Block(nnx.Module):
    def __init__(self, inputs: int, channels: int, stride: int, *, rngs: nnx.Rngs) -> None:
        self.conv1 = Conv(inputs, channels, strides=stride, rngs=rngs)
        self.norm1 = Norm(channels, rngs=rngs)
        self.conv2 = Conv(channels, channels, rngs=rngs)
        self.norm2 = Norm(channels, rngs=rngs)
        self.stride = stride
        self.missing = channels - inputs

    def shortcut(self, x: Array) -> Array:
        if self.stride == 1:
            return x
        x = x[:, :: self.stride, :: self.stride]  # (N, H, W, C) -> (N, H/2, W/2, C)
        behind = (0, self.missing)
        return jnp.pad(x, ((0, 0), (0, 0), (0, 0), behind))  # (N, H/2, W/2, 2*C): zeros

    def __call__(self, x: Array) -> Array:
        y = nnx.relu(self.norm1(self.conv1(x)))  # (N, H, W, C); in stride 2 (N, H/2, W/2, 2*C)
        y = self.norm2(self.conv2(y))
        return nnx.relu(y + self.shortcut(x))


class ResNet(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        block = partial(Block, rngs=rngs)
        self.conv1 = Conv(3, 16, rngs=rngs)
        self.norm1 = Norm(16, rngs=rngs)
        self.stage1 = nnx.Sequential(block(16, 16, 1), block(16, 16, 1), block(16, 16, 1))
        self.stage2 = nnx.Sequential(block(16, 32, 2), block(32, 32, 1), block(32, 32, 1))
        self.stage3 = nnx.Sequential(block(32, 64, 2), block(64, 64, 1), block(64, 64, 1))
        self.output = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.norm1(self.conv1(x)))  # (N, 32, 32, 3) -> (N, 32, 32, 16)
        x = self.stage1(x)  # (N, 32, 32, 16)
        x = self.stage2(x)  # (N, 16, 16, 32)
        x = self.stage3(x)  # (N, 8, 8, 64)
        x = x.mean((1, 2))  # (N, 8, 8, 64) -> (N, 64)
        return self.output(x)  # (N, 10)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return ResNet(rngs=rngs)
