"""The words of a task on two networks that train against each other: losses, and the metric.

A generator makes samples of noise, and a discriminator tells them from data: Goodfellow et al.
(2014), "Generative adversarial nets". Its outputs are logits: of a sample being data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.losses import Loss
from bench.core.metrics import Metric

# The slope of leaky rectifiers below 0: 0.2, rounded to float32, as some frameworks round it.
SLOPE = 0.20000000298023224


@dataclass(frozen=True, kw_only=True)
class DiscriminatorLoss(Loss):
    """-log p(data) of data and -log(1 - p(data)) of samples, added up: of logits (N, 1) of both.

    It is what the paper's Algorithm 1 ascends, with the other sign.
    """

    output: str = "real"
    target: str = "image"
    fake: str = "fake_d"

    kind = "discriminator"

    def __str__(self) -> str:
        return "-log of the probability that data are data and samples are not, the batch's mean"

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output, self.fake)

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        real, fake = (np.asarray(outputs[name], np.float64) for name in self.outputs)
        losses = np.logaddexp(0, -real) + np.logaddexp(0, fake)
        return float(losses.sum()), len(losses)

    def columns(self, width: int) -> str:
        return f"{width}, for being data"


@dataclass(frozen=True, kw_only=True)
class GeneratorLoss(Loss):
    """-log p(data) of samples, of their logits (N, 1): the one of the paper that does not saturate.

    Algorithm 1 has log(1 - p(data)), whose gradient vanishes where the discriminator is sure.
    """

    output: str = "fake_g"
    target: str = "image"

    kind = "generator"

    def __str__(self) -> str:
        return "-log of the probability that samples are data, the batch's mean"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = np.logaddexp(0, -np.asarray(outputs[self.output], np.float64))
        return float(losses.sum()), len(losses)

    def columns(self, width: int) -> str:
        return f"{width}, for a sample's being data"


@dataclass(frozen=True, kw_only=True)
class FrechetDistance(Metric):
    """The Fréchet distance between samples and test images, both as normal distributions.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of their means and covariances (Dowson and Landau,
    1982), as Heusel et al. (2017) compare a network's features of them. Here they are projected
    on the first principal components of the training images: the prepared folder's `components`,
    float64 (P, K). Each example of the test set is an image, and has the noise of one sample.
    """

    output: str = "sample"
    field: str = "image"
    components: Array | None = None

    name = "Fréchet distance"
    unit = ""
    better = "less"

    def on(self, folder: Path) -> FrechetDistance:
        return replace(self, components=np.load(folder / "components.npy", allow_pickle=False))

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        """Of samples and of images: how many, the sum of projections, that of outer products."""
        assert self.components is not None  # see `on`
        parts: list[Array] = []
        for pixels in (outputs[self.output], batch[self.field]):
            found = np.asarray(pixels, np.float64) @ self.components  # (N, P) -> (N, K)
            parts += [np.array([len(found)]), found.sum(axis=0), (found.T @ found).reshape(-1)]
        return np.concatenate(parts)

    def value(self, sums: Array) -> float:
        (mean, covariance), (other, others) = map(_moments, np.split(sums, 2))
        root = _root(covariance)
        # The trace of (C1 C2)^(1/2) is that of (R C2 R)^(1/2), with R the root of C1.
        shared = np.linalg.eigvalsh(root @ others @ root)
        spread = np.trace(covariance) + np.trace(others) - 2 * np.sqrt(np.maximum(shared, 0)).sum()
        return float(((mean - other) ** 2).sum() + spread)

    def goal(self) -> str:
        return f"a Fréchet distance of {self.target:g} or less"


def _moments(sums: Array) -> tuple[Array, Array]:
    """Mean (K,) and covariance (K, K) from a number, a sum and a sum of outer products, joined."""
    size = round((len(sums) - 0.75) ** 0.5 - 0.5)  # as 1 + K + K^2 are (K + 1/2)^2 + 3/4
    count, total, products = np.split(sums, [1, 1 + size])
    mean = total / count
    return mean, products.reshape(size, size) / count - np.outer(mean, mean)


def _root(covariance: Array) -> Array:
    """The symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
