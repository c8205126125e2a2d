"""A generative adversarial network in Keras."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from bench.core.adversarial import SLOPE
from bench.core.task import Task


def make_generator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(256, name="generator-first"),  # (N, 100) -> (N, 256)
            layers.LeakyReLU(SLOPE),
            layers.Dense(512, name="generator-second"),  # (N, 512)
            layers.LeakyReLU(SLOPE),
            layers.Dense(784, activation="tanh", name="generator-output"),  # (N, 784)
        ]
    )


def make_discriminator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, name="discriminator-first"),  # (N, 784) -> (N, 512)
            layers.LeakyReLU(SLOPE),
            layers.Dense(256, name="discriminator-second"),  # (N, 256)
            layers.LeakyReLU(SLOPE),
            layers.Dense(1, name="discriminator-output"),  # (N, 1)
        ]
    )


class Noise(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def call(self, image: Any) -> Any:
        shape = (ops.shape(image)[0], 100)
        return keras.random.normal(shape, dtype=image.dtype, seed=self.seed_generator)


class GAN(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.generator = make_generator()
        self.discriminator = make_discriminator()
        self.noise = Noise()
        self.built = True  # as its parts are

    def call(self, inputs: tuple[Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        image, noise_d, noise_g = inputs
        sample = self.generator(noise_g)
        fakes = self.discriminator(self.generator(noise_d)), self.discriminator(sample)
        return sample, self.discriminator(image), *fakes


def build(task: Task) -> keras.Model:
    return GAN()


def discriminator_loss(network: Any, batch: Mapping[str, Any]) -> Any:
    image = batch["image"]
    noise = batch["noise_d"] if "noise_d" in batch else network.noise(image)
    sample = ops.stop_gradient(network.generator(noise))  # the generator is not moved
    real, fake = network.discriminator(image), network.discriminator(sample)  # (N, 1)
    return ops.mean(ops.softplus(-real) + ops.softplus(fake))


def generator_loss(network: Any, batch: Mapping[str, Any]) -> Any:
    noise = batch["noise_g"] if "noise_g" in batch else network.noise(batch["image"])
    fake = network.discriminator(network.generator(noise))  # (N, 1)
    return ops.mean(ops.softplus(-fake))


LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss}
