"""A variational autoencoder as formulas."""

from collections.abc import Callable, Mapping

import autograd.numpy as np

from frameworks.reference.layers import Dropout, Params, Value, dense, relu


def forward(params: Params, x: Value, noise: Value, dropout: Dropout) -> tuple[Value, Value, Value]:
    x = relu(dense(params, "encoder", x))  # (N, 784) -> (N, 400)
    mean, log_variance = dense(params, "mean", x), dense(params, "log_variance", x)  # (N, 20)
    x = mean + noise * np.exp(log_variance / 2)  # (N, 20)
    x = relu(dense(params, "decoder", x))  # (N, 400)
    return dense(params, "output", x), mean, log_variance  # (N, 784)


def negative_elbo(
    network: Callable[..., tuple[Value, Value, Value]], batch: Mapping[str, Value]
) -> Value:
    """The mean over the batch of -log p(image) and of the divergence, each summed over an example.

    Kingma and Welling (2013), appendices B and C.1.
    """
    logits, mean, log_variance = network(*batch.values())
    image = batch["image"]
    crossentropy = np.sum(np.logaddexp(0, logits) - image * logits, axis=1)  # (N,)
    divergence = np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2  # (N,)
    return np.mean(crossentropy + divergence)


LOSSES = {"loss": negative_elbo}
