"""Losses: what training minimizes, the mean over a batch of each example's.

`total` computes the sum over examples in float64 for every framework alike, from its outputs.
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
    """A loss of one of the network's outputs and one of the batch's fields.

    `kind` is the name by which a framework finds its own.
    """

    output: str = "logits"
    target: str = "label"

    kind: ClassVar[str]

    @abstractmethod
    def total(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> float:
        """The sum of the examples' losses, in float64."""

    @abstractmethod
    def columns(self, width: int) -> str:
        """What the output's columns are, in words."""


@dataclass(frozen=True, kw_only=True)
class SoftmaxCrossEntropy(Loss):
    """-log softmax(logits)[label], of logits (N, K) and labels (N,)."""

    kind = "softmax_cross_entropy"

    def __str__(self) -> str:
        return "softmax cross-entropy, the mean over the batch"

    def total(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> float:
        z: Array = np.asarray(outputs[self.output], np.float64)
        labels = batch[self.target]
        z = z - z.max(axis=1, keepdims=True)
        label_logits = z[np.arange(len(z)), labels.astype(np.intp)]
        return float((np.log(np.exp(z).sum(axis=1)) - label_logits).sum())

    def columns(self, width: int) -> str:
        return f"{width}, one per class"


@dataclass(frozen=True, kw_only=True)
class SigmoidCrossEntropy(Loss):
    """-log of the right class's probability, of logits (N, 1) and labels 0 or 1, (N, 1)."""

    kind = "sigmoid_cross_entropy"

    def __str__(self) -> str:
        return "sigmoid cross-entropy, the mean over the batch"

    def total(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> float:
        z: Array = np.asarray(outputs[self.output], np.float64)
        # log(1 + exp(-|z|)) + max(z, 0) - z * y does not overflow
        losses = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * batch[self.target]
        return float(losses.sum())

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

    def total(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> float:
        difference = np.asarray(outputs[self.output], np.float64) - batch[self.target]
        return float((difference**2).sum())

    def columns(self, width: int) -> str:
        return f"{width}, the predicted {self.target}"
