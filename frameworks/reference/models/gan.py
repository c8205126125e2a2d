"""A generative adversarial network as formulas."""

from collections.abc import Mapping
from typing import Any

import autograd.numpy as np

from bench.core.adversarial import SLOPE
from frameworks.reference.layers import Dropout, Params, Value, dense


def leaky(x: Value) -> Value:
    return np.where(x > 0, x, SLOPE * x)


def generator(params: Params, noise: Value) -> Value:
    x = leaky(dense(params, "generator.first", noise))  # (N, 100) -> (N, 256)
    x = leaky(dense(params, "generator.second", x))  # (N, 512)
    return np.tanh(dense(params, "generator.output", x))  # (N, 784)


def discriminator(params: Params, x: Value) -> Value:
    x = leaky(dense(params, "discriminator.first", x))  # (N, 784) -> (N, 512)
    x = leaky(dense(params, "discriminator.second", x))  # (N, 256)
    return dense(params, "discriminator.output", x)  # (N, 1)


def forward(
    params: Params, image: Value, noise_d: Value, noise_g: Value, dropout: Dropout
) -> tuple[Value, Value, Value, Value]:
    sample = generator(params, noise_g)
    fakes = discriminator(params, generator(params, noise_d)), discriminator(params, sample)
    return sample, discriminator(params, image), *fakes


def discriminator_loss(network: Any, batch: Mapping[str, Value]) -> Value:
    """The mean of -log p(data) of data and of -log(1 - p(data)) of samples.

    Goodfellow et al. (2014), Algorithm 1, with the other sign.
    """
    real = network.discriminator(batch["image"])  # (N, 1)
    fake = network.discriminator(network.generator(batch["noise_d"]))  # (N, 1)
    return np.mean(np.logaddexp(0, -real) + np.logaddexp(0, fake))


def generator_loss(network: Any, batch: Mapping[str, Value]) -> Value:
    """The mean of -log p(data) of samples: the paper's section 3."""
    fake = network.discriminator(network.generator(batch["noise_g"]))  # (N, 1)
    return np.mean(np.logaddexp(0, -fake))


LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss}
