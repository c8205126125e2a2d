"""A generative adversarial network in PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.adversarial import SLOPE
from bench.core.task import Task


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(100, 256)
        self.second = nn.Linear(256, 512)
        self.output = nn.Linear(512, 784)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(x), SLOPE)  # (N, 100) -> (N, 256)
        x = F.leaky_relu(self.second(x), SLOPE)  # (N, 512)
        return torch.tanh(self.output(x))  # (N, 784)


class Discriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(784, 512)
        self.second = nn.Linear(512, 256)
        self.output = nn.Linear(256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(x), SLOPE)  # (N, 784) -> (N, 512)
        x = F.leaky_relu(self.second(x), SLOPE)  # (N, 256)
        return self.output(x)  # (N, 1)


class GAN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = Generator()
        self.discriminator = Discriminator()

    def noise(self, image: Tensor) -> Tensor:
        return torch.randn(len(image), 100, dtype=image.dtype, device=image.device)

    def forward(self, image: Tensor, noise_d: Tensor, noise_g: Tensor) -> tuple[Tensor, ...]:
        sample = self.generator(noise_g)
        fakes = self.discriminator(self.generator(noise_d)), self.discriminator(sample)
        return sample, self.discriminator(image), *fakes


def build(task: Task) -> nn.Module:
    return GAN()


def discriminator_loss(network: Any, batch: Mapping[str, Tensor]) -> Tensor:
    image = batch["image"]
    noise = batch["noise_d"] if "noise_d" in batch else network.noise(image)
    sample = network.generator(noise).detach()  # the generator is not moved
    real, fake = network.discriminator(image), network.discriminator(sample)  # (N, 1)
    return (F.softplus(-real) + F.softplus(fake)).mean()


def generator_loss(network: Any, batch: Mapping[str, Tensor]) -> Tensor:
    noise = batch["noise_g"] if "noise_g" in batch else network.noise(batch["image"])
    fake = network.discriminator(network.generator(noise))  # (N, 1)
    return F.softplus(-fake).mean()


LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss}
