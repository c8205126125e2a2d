"""A variational autoencoder in Keras."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers, ops

from bench.core.task import Task


class Sampling(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, mean: Any, log_variance: Any, noise: Any = None) -> Any:
        if noise is None:
            shape = ops.shape(mean)
            noise = keras.random.normal(shape, dtype=mean.dtype, seed=self.seed_generator)
        return mean + noise * ops.exp(log_variance / 2)


def build(task: Task) -> keras.Model:
    image, noise = keras.Input((784,)), keras.Input((20,), optional=True)
    x = layers.Dense(400, activation="relu", name="encoder")(image)  # (N, 784) -> (N, 400)
    mean = layers.Dense(20, name="mean")(x)  # (N, 20)
    log_variance = layers.Dense(20, name="log_variance")(x)  # (N, 20)
    x = Sampling()(mean, log_variance, noise)  # (N, 20)
    x = layers.Dense(400, activation="relu", name="decoder")(x)  # (N, 400)
    logits = layers.Dense(784, name="output")(x)  # (N, 784)
    return keras.Model([image, noise], [logits, mean, log_variance])


def negative_elbo(network: Callable[..., Any], batch: Mapping[str, Any]) -> Any:
    logits, mean, log_variance = network(batch["image"], batch.get("noise"))
    crossentropy = ops.binary_crossentropy(batch["image"], logits, from_logits=True)  # (N, 784)
    divergence = (mean**2 + ops.exp(log_variance) - 1 - log_variance) / 2  # (N, 20)
    return ops.mean(ops.sum(crossentropy, axis=1) + ops.sum(divergence, axis=1))


LOSSES = {"loss": negative_elbo}
