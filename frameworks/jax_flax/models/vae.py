"""A variational autoencoder in JAX/Flax."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

from bench.core.task import Task


class VAE(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.encoder = nnx.Linear(784, 400, rngs=rngs)
        self.mean = nnx.Linear(400, 20, rngs=rngs)
        self.log_variance = nnx.Linear(400, 20, rngs=rngs)
        self.decoder = nnx.Linear(20, 400, rngs=rngs)
        self.output = nnx.Linear(400, 784, rngs=rngs)
        self.rngs = rngs

    def __call__(self, x: Array, noise: Array | None = None) -> tuple[Array, Array, Array]:
        x = nnx.relu(self.encoder(x))  # (N, 784) -> (N, 400)
        mean, log_variance = self.mean(x), self.log_variance(x)  # (N, 20)
        if noise is None:
            noise = jax.random.normal(self.rngs.noise(), mean.shape, mean.dtype)
        x = mean + noise * jnp.exp(log_variance / 2)  # (N, 20)
        x = nnx.relu(self.decoder(x))  # (N, 400)
        return self.output(x), mean, log_variance  # (N, 784)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return VAE(rngs=rngs)


def negative_elbo(
    network: Callable[..., tuple[Array, Array, Array]], batch: Mapping[str, Array]
) -> Array:
    logits, mean, log_variance = network(*batch.values())
    image = batch["image"]
    crossentropy = optax.sigmoid_binary_cross_entropy(logits, image).sum()
    divergence = (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum() / 2
    return (crossentropy + divergence) / len(image)


LOSSES = {"loss": negative_elbo}
