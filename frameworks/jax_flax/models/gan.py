"""A generative adversarial network in JAX/Flax."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from bench.core.adversarial import SLOPE
from bench.core.task import Task


class Generator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(100, 256, rngs=rngs)
        self.second = nnx.Linear(256, 512, rngs=rngs)
        self.output = nnx.Linear(512, 784, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.leaky_relu(self.first(x), SLOPE)  # (N, 100) -> (N, 256)
        x = nnx.leaky_relu(self.second(x), SLOPE)  # (N, 512)
        return jnp.tanh(self.output(x))  # (N, 784)


class Discriminator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(784, 512, rngs=rngs)
        self.second = nnx.Linear(512, 256, rngs=rngs)
        self.output = nnx.Linear(256, 1, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.leaky_relu(self.first(x), SLOPE)  # (N, 784) -> (N, 512)
        x = nnx.leaky_relu(self.second(x), SLOPE)  # (N, 256)
        return self.output(x)  # (N, 1)


class GAN(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.generator = Generator(rngs=rngs)
        self.discriminator = Discriminator(rngs=rngs)
        self.rngs = rngs

    def noise(self, image: Array) -> Array:
        return jax.random.normal(self.rngs.noise(), (len(image), 100), image.dtype)

    def __call__(self, image: Array, noise_d: Array, noise_g: Array) -> tuple[Array, ...]:
        sample = self.generator(noise_g)
        fakes = self.discriminator(self.generator(noise_d)), self.discriminator(sample)
        return sample, self.discriminator(image), *fakes


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GAN(rngs=rngs)


def discriminator_loss(network: Any, batch: Mapping[str, Array]) -> Array:
    image = batch["image"]
    noise = batch["noise_d"] if "noise_d" in batch else network.noise(image)
    sample = jax.lax.stop_gradient(network.generator(noise))  # the generator is not moved
    real, fake = network.discriminator(image), network.discriminator(sample)  # (N, 1)
    return (nnx.softplus(-real) + nnx.softplus(fake)).mean()


def generator_loss(network: Any, batch: Mapping[str, Array]) -> Array:
    noise = batch["noise_g"] if "noise_g" in batch else network.noise(batch["image"])
    fake = network.discriminator(network.generator(noise))  # (N, 1)
    return nnx.softplus(-fake).mean()


LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss}
