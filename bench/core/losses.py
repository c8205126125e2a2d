"""Losses: what training minimizes, a mean over a batch.

Of a batch this is the mean over its examples, or over its real tokens. `of` computes the sum and
the number in float64 for every framework alike, from its outputs; as with a metric, those of
several batches add up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.core.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Loss(ABC):
    """A loss of the network's outputs and of fields of the batch, most often of one of each.

    `kind` is the name by which a framework finds its own.
    """

    output: str = "logits"
    target: str = "label"

    kind: ClassVar[str]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it reads, in the order in which a framework's function takes them."""
        return (self.target,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The network's outputs that it reads, before the fields."""
        return (self.output,)

    @abstractmethod
    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        """The sum of a batch's losses in float64, and how many losses it is over."""

    @abstractmethod
    def columns(self, width: int) -> str:
        """What the output's columns are, in words."""


@dataclass(frozen=True, kw_only=True)
class SoftmaxCrossEntropy(Loss):
    """-log softmax(logits)[label], of logits (N, K) and labels (N,)."""

    kind = "softmax_cross_entropy"

    def __str__(self) -> str:
        return "softmax cross-entropy, the mean over the batch"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = _of_rows(outputs[self.output], batch[self.target])
        return float(losses.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, one per class"


@dataclass(frozen=True, kw_only=True)
class TokenCrossEntropy(Loss):
    """-log softmax(logits)[token] of every step, of logits (N, T, K) and tokens (N, T)."""

    target: str = "next"

    kind = "token_cross_entropy"

    def __str__(self) -> str:
        return "softmax cross-entropy of each token, the mean over steps and batch"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = surprise(outputs[self.output], batch[self.target])
        return float(losses.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, one per token, at each step"


@dataclass(frozen=True, kw_only=True)
class RealTokenCrossEntropy(TokenCrossEntropy):
    """-log softmax(logits)[token] of every real token, of logits (N, T, K) and tokens (N, T).

    0 is padding. A batch's loss is the sum over its real tokens over their number, so that each of
    them weighs the same. A mean over examples of each one's mean would be another: it gives more
    weight to the tokens of short examples.
    """

    kind = "real_token_cross_entropy"

    def __str__(self) -> str:
        return "softmax cross-entropy of each token that is not padding, the mean over these"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        real = batch[self.target] != 0
        losses = surprise(outputs[self.output], batch[self.target])[real]
        return float(losses.sum()), losses.size


def surprise(logits: Array, tokens: Array) -> Array:
    """-log softmax(logits)[token] at each step, in float64: (N, T, K) and (N, T) -> (N, T)."""
    # Example by example: a batch with a vocabulary of thousands has gigabytes in float64.
    found: Array = np.stack([_of_rows(each, own) for each, own in zip(logits, tokens, strict=True)])
    return found


def _of_rows(logits: Array, labels: Array) -> Array:
    """-log softmax(logits)[label] of each row, in float64: (N, K) and (N,) -> (N,)."""
    z: Array = np.asarray(logits, np.float64)
    z = z - z.max(axis=-1, keepdims=True)
    own = np.take_along_axis(z, labels.astype(np.intp)[..., None], axis=-1)[..., 0]
    found: Array = np.log(np.exp(z).sum(axis=-1)) - own
    return found


@dataclass(frozen=True, kw_only=True)
class SigmoidCrossEntropy(Loss):
    """-log of the right class's probability, of logits (N, 1) and labels 0 or 1, (N, 1)."""

    kind = "sigmoid_cross_entropy"

    def __str__(self) -> str:
        return "sigmoid cross-entropy, the mean over the batch"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        z: Array = np.asarray(outputs[self.output], np.float64)
        # log(1 + exp(-|z|)) + max(z, 0) - z * y does not overflow
        losses = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * batch[self.target]
        return float(losses.sum()), len(losses)

    def columns(self, width: int) -> str:
        return f"{width}, for the second class"


@dataclass(frozen=True, kw_only=True)
class MeanSquaredError(Loss):
    """(prediction - target)^2, of predictions (N, 1) and targets (N, 1)."""

    output: str = "prediction"
    target: str = "target"

    kind = "mean_squared_error"

    def __str__(self) -> str:
        return "squared error, the mean over the batch"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        difference = np.asarray(outputs[self.output], np.float64) - batch[self.target]
        return float((difference**2).sum()), len(difference)

    def columns(self, width: int) -> str:
        return f"{width}, the predicted {self.target}"


@dataclass(frozen=True, kw_only=True)
class NegativeELBO(Loss):
    """The negative evidence lower bound of a variational autoencoder, in nats an example.

    Kingma and Welling (2013), "Auto-encoding variational Bayes", of pixels in [0, 1] and logits of
    a Bernoulli distribution each, (N, P), and of the mean and the log variance of the code's
    distribution, (N, C).
    """

    target: str = "image"
    mean: str = "mean"
    log_variance: str = "log_variance"

    kind = "negative_elbo"

    def __str__(self) -> str:
        return (
            "sigmoid cross-entropy summed over pixels, plus the divergence (Kullback-Leibler) of "
            "the code's distribution from the standard normal one, the mean over the batch"
        )

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = negative_elbo(
            outputs[self.output],
            batch[self.target],
            mean=outputs[self.mean],
            log_variance=outputs[self.log_variance],
        )
        return float(losses.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, one per pixel"


def negative_elbo(logits: Array, pixels: Array, *, mean: Array, log_variance: Array) -> Array:
    """The negative evidence lower bound of each example in nats, in float64, (N,)."""
    z: Array = np.asarray(logits, np.float64)
    centre, spread = np.asarray(mean, np.float64), np.asarray(log_variance, np.float64)
    reconstruction = (np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * pixels).sum(axis=1)
    found: Array = reconstruction + (centre**2 + np.exp(spread) - 1 - spread).sum(axis=1) / 2
    return found


@dataclass(frozen=True, kw_only=True)
class CTC(Loss):
    """-log of the probability of the target's letters, by whatever frames they are said in.

    Graves et al. (2006), "Connectionist temporal classification", of logits (N, T, K), of which 0
    is the blank; letters (N, L), 1 to K - 1 and 0 behind the last; and how many frames of each
    count, (N,). A text that has more letters than frames, with one for each pair of equal
    neighbours, has no probability, and an infinite loss.
    """

    target: str = "letters"
    count: str = "count"

    kind = "ctc"

    def __str__(self) -> str:
        return "CTC with the blank 0, over the frames that count, the mean over the batch"

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.target, self.count)

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = unlikelihood(outputs[self.output], batch[self.target], batch[self.count])
        return float(losses.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, the blank and one per letter, at each frame"


def unlikelihood(logits: Array, letters: Array, counts: Array) -> Array:
    """CTC's -log p of each example, in float64: (N, T, K), (N, L) and (N,) -> (N,).

    By Graves's forward variables, whose logarithms are summed from frame to frame: of the letters
    with blanks before, between and behind them, (N, 2 * L + 1).
    """
    z: Array = np.asarray(logits, np.float64)
    z = z - z.max(axis=-1, keepdims=True)
    z = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    n, steps, _ = z.shape
    spelt = np.zeros((n, 2 * letters.shape[1] + 1), np.intp)
    spelt[:, 1::2] = letters
    # A letter may follow another without a blank between, unless they are equal.
    skips = np.zeros(spelt.shape, bool)
    skips[:, 2:] = (spelt[:, 2:] != 0) & (spelt[:, 2:] != spelt[:, :-2])
    forward = np.full(spelt.shape, -np.inf)
    forward[:, :2] = np.take_along_axis(z[:, 0], spelt[:, :2], axis=1)
    for step in range(1, steps):
        moved = np.logaddexp(forward, _delayed(forward, 1))
        moved = np.logaddexp(moved, np.where(skips, _delayed(forward, 2), -np.inf))
        moved += np.take_along_axis(z[:, step], spelt, axis=1)
        forward = np.where(step < counts[:, None], moved, forward)
    rows, last = np.arange(n), 2 * np.count_nonzero(letters, axis=1)
    found: Array = -np.logaddexp(forward[rows, last], forward[rows, last - 1])
    return found


def _delayed(values: Array, by: int) -> Array:
    """Columns moved to the right, with -inf in place of the first: (N, S) -> (N, S)."""
    moved = np.full_like(values, -np.inf)
    moved[:, by:] = values[:, :-by]
    return moved
