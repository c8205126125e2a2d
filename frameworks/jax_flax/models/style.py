"""Style transfer through VGG-19 in JAX/Flax.

S is the pictures' side.
"""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from flax import nnx
from jax import Array

from bench.core.task import Task


def gram(x: Array) -> Array:
    x = x.reshape(-1, x.shape[-1])  # (1, H, W, C) -> (H*W, C)
    return x.T @ x / len(x)  # (C, C)


def distance(actual: Array, wanted: Array) -> Array:
    return ((actual - wanted) ** 2).sum() / (wanted**2).sum()


class Canvas(nnx.Module):
    def __init__(self, side: int) -> None:
        self.pixels = nnx.Param(jnp.zeros((1, side, side, 3)))

    def __call__(self) -> Array:
        return self.pixels[...]


class StyleTransfer(nnx.Module):
    def __init__(self, side: int, *, rngs: nnx.Rngs) -> None:
        self.conv1_1 = nnx.Conv(3, 64, (3, 3), padding="SAME", rngs=rngs)
        self.conv1_2 = nnx.Conv(64, 64, (3, 3), padding="SAME", rngs=rngs)
        self.conv2_1 = nnx.Conv(64, 128, (3, 3), padding="SAME", rngs=rngs)
        self.conv2_2 = nnx.Conv(128, 128, (3, 3), padding="SAME", rngs=rngs)
        self.conv3_1 = nnx.Conv(128, 256, (3, 3), padding="SAME", rngs=rngs)
        self.conv3_2 = nnx.Conv(256, 256, (3, 3), padding="SAME", rngs=rngs)
        self.conv3_3 = nnx.Conv(256, 256, (3, 3), padding="SAME", rngs=rngs)
        self.conv3_4 = nnx.Conv(256, 256, (3, 3), padding="SAME", rngs=rngs)
        self.conv4_1 = nnx.Conv(256, 512, (3, 3), padding="SAME", rngs=rngs)
        self.conv4_2 = nnx.Conv(512, 512, (3, 3), padding="SAME", rngs=rngs)
        self.conv4_3 = nnx.Conv(512, 512, (3, 3), padding="SAME", rngs=rngs)
        self.conv4_4 = nnx.Conv(512, 512, (3, 3), padding="SAME", rngs=rngs)
        self.conv5_1 = nnx.Conv(512, 512, (3, 3), padding="SAME", rngs=rngs)
        self.canvas = Canvas(side)  # all that is trained

    def features(self, x: Array) -> list[Array]:
        x = first = nnx.relu(self.conv1_1(x))  # (1, S, S, 3) -> (1, S, S, 64)
        x = nnx.relu(self.conv1_2(x))  # (1, S, S, 64)
        x = nnx.avg_pool(x, (2, 2), strides=(2, 2))  # (1, S/2, S/2, 64)
        x = second = nnx.relu(self.conv2_1(x))  # (1, S/2, S/2, 128)
        x = nnx.relu(self.conv2_2(x))  # (1, S/2, S/2, 128)
        x = nnx.avg_pool(x, (2, 2), strides=(2, 2))  # (1, S/4, S/4, 128)
        x = third = nnx.relu(self.conv3_1(x))  # (1, S/4, S/4, 256)
        x = nnx.relu(self.conv3_2(x))  # (1, S/4, S/4, 256)
        x = nnx.relu(self.conv3_3(x))  # (1, S/4, S/4, 256)
        x = nnx.relu(self.conv3_4(x))  # (1, S/4, S/4, 256)
        x = nnx.avg_pool(x, (2, 2), strides=(2, 2))  # (1, S/8, S/8, 256)
        x = fourth = nnx.relu(self.conv4_1(x))  # (1, S/8, S/8, 512)
        x = nnx.relu(self.conv4_2(x))  # (1, S/8, S/8, 512)
        return [first, second, third, fourth, x]

    def grams(self, layers: list[Array], x: Array) -> list[Array]:
        x = nnx.relu(self.conv4_3(x))  # (1, S/8, S/8, 512)
        x = nnx.relu(self.conv4_4(x))  # (1, S/8, S/8, 512)
        x = nnx.avg_pool(x, (2, 2), strides=(2, 2))  # (1, S/16, S/16, 512)
        x = nnx.relu(self.conv5_1(x))  # (1, S/16, S/16, 512)
        return [gram(layer) for layer in (*layers, x)]

    def __call__(self, content: Array, style: Array) -> tuple[Array, Array, Array]:
        canvas = self.canvas()  # (1, S, S, 3)
        *_, wanted = self.features(content)
        *layers, top = self.features(style)
        wanted_grams = self.grams(layers, top)
        *layers, top = self.features(canvas)
        of_style = jnp.stack(list(map(distance, self.grams(layers, top), wanted_grams)))
        canvas = canvas.transpose(0, 3, 1, 2)  # (1, S, S, 3) -> (1, 3, S, S)
        # (1, 1), (1, 5), (1, 3, S, S)
        return distance(top, wanted).reshape(1, 1), of_style.reshape(1, 5), canvas


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    _, side, _ = task.fields["content"].shape
    return StyleTransfer(side, rngs=rngs)


def distance_sum(
    network: Callable[..., tuple[Array, Array, Array]], batch: Mapping[str, Array]
) -> Array:
    content, style, _ = network(*batch.values())
    return content.sum() + 2**-4 * style.sum()


LOSSES = {"loss": distance_sum}
