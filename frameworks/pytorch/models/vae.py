"""A variational autoencoder in PyTorch."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(784, 400)
        self.mean = nn.Linear(400, 20)
        self.log_variance = nn.Linear(400, 20)
        self.decoder = nn.Linear(20, 400)
        self.output = nn.Linear(400, 784)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        x = F.relu(self.encoder(x))  # (N, 784) -> (N, 400)
        mean, log_variance = self.mean(x), self.log_variance(x)  # (N, 20)
        if noise is None:
            noise = torch.randn_like(mean)
        x = mean + noise * torch.exp(log_variance / 2)  # (N, 20)
        x = F.relu(self.decoder(x))  # (N, 400)
        return self.output(x), mean, log_variance  # (N, 784)


def build(task: Task) -> nn.Module:
    return VAE()


def negative_elbo(
    network: Callable[..., tuple[Tensor, Tensor, Tensor]], batch: Mapping[str, Tensor]
) -> Tensor:
    logits, mean, log_variance = network(*batch.values())
    image = batch["image"]
    crossentropy = F.binary_cross_entropy_with_logits(logits, image, reduction="sum")
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2
    return (crossentropy + divergence) / len(image)


LOSSES = {"loss": negative_elbo}
