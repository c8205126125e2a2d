"""A variational autoencoder in MXNet Gluon."""

from collections.abc import Callable, Mapping
from typing import Any

from mxnet.gluon import HybridBlock, loss, nn

from bench.core.task import Task

CROSSENTROPY = loss.SigmoidBinaryCrossEntropyLoss()


class VAE(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Dense(400, in_units=784, activation="relu")
        self.mean = nn.Dense(20, in_units=400)
        self.log_variance = nn.Dense(20, in_units=400)
        self.decoder = nn.Dense(400, in_units=20, activation="relu")
        self.output = nn.Dense(784, in_units=400)

    def hybrid_forward(self, F: Any, x: Any, noise: Any = None) -> Any:  # noqa: N803
        x = self.encoder(x)  # (N, 784) -> (N, 400)
        mean, log_variance = self.mean(x), self.log_variance(x)  # (N, 20)
        if noise is None:
            noise = F.random.normal_like(mean)
        x = mean + noise * F.exp(log_variance / 2)  # (N, 20)
        x = self.decoder(x)  # (N, 400)
        return self.output(x), mean, log_variance  # (N, 784)


def build(task: Task) -> HybridBlock:
    return VAE()


def negative_elbo(network: Callable[..., Any], batch: Mapping[str, Any]) -> Any:
    logits, mean, log_variance = network(*batch.values())
    crossentropy = 784 * CROSSENTROPY(logits, batch["image"])  # of the mean over pixels, (N,)
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(axis=1) / 2  # (N,)
    return crossentropy + divergence


LOSSES = {"loss": negative_elbo}
