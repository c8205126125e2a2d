"""A generative adversarial network in MXNet Gluon."""

from collections.abc import Mapping
from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.adversarial import SLOPE
from bench.core.task import Task

SOFTPLUS, DETACHED = nn.Activation("softrelu"), nn.HybridLambda("BlockGrad")


def leaky(F: Any, x: Any) -> Any:  # noqa: N803
    # Not LeakyReLU, which computes in float32 even in float64.
    return F.maximum(x, SLOPE * x)


class Generator(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(256, in_units=100)
        self.second = nn.Dense(512, in_units=256)
        self.output = nn.Dense(784, in_units=512, activation="tanh")

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = leaky(F, self.first(x))  # (N, 100) -> (N, 256)
        x = leaky(F, self.second(x))  # (N, 512)
        return self.output(x)  # (N, 784)


class Discriminator(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(512, in_units=784)
        self.second = nn.Dense(256, in_units=512)
        self.output = nn.Dense(1, in_units=256)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        x = leaky(F, self.first(x))  # (N, 784) -> (N, 512)
        x = leaky(F, self.second(x))  # (N, 256)
        return self.output(x)  # (N, 1)


class Noise(HybridBlock):
    def hybrid_forward(self, F: Any, image: Any) -> Any:  # noqa: N803
        return F.random.normal_like(F.slice_axis(image, axis=1, begin=0, end=100))  # its shape


class GAN(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.generator = Generator()
        self.discriminator = Discriminator()
        self.noise = Noise()

    def hybrid_forward(self, F: Any, image: Any, noise_d: Any, noise_g: Any) -> Any:  # noqa: N803
        sample = self.generator(noise_g)
        fakes = self.discriminator(self.generator(noise_d)), self.discriminator(sample)
        return sample, self.discriminator(image), *fakes


def build(task: Task) -> HybridBlock:
    return GAN()


def discriminator_loss(network: Any, batch: Mapping[str, Any]) -> Any:
    image = batch["image"]
    noise = batch["noise_d"] if "noise_d" in batch else network.noise(image)
    sample = DETACHED(network.generator(noise))  # the generator is not moved
    real, fake = network.discriminator(image), network.discriminator(sample)  # (N, 1)
    return (SOFTPLUS(-real) + SOFTPLUS(fake)).mean(axis=1)  # (N,)


def generator_loss(network: Any, batch: Mapping[str, Any]) -> Any:
    noise = batch["noise_g"] if "noise_g" in batch else network.noise(batch["image"])
    fake = network.discriminator(network.generator(noise))  # (N, 1)
    return SOFTPLUS(-fake).mean(axis=1)  # (N,)


LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss}
