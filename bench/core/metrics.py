"""Metrics: the measure of a task's quality on its test set, computed in numpy for every framework.

A metric's sums over batches add up, so that batches of any size give the same value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from bench.core.arrays import Array
from bench.core.losses import surprise


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """A measure of outputs against a field of the batch; the recipe should reach `target`.

    A `fraction` runs from 0 to 1.
    """

    target: float
    output: str = "logits"
    field: str = "label"

    name: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[Literal["more", "less"]]

    @abstractmethod
    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        """The metric's sum over a batch, and how many values it is over."""

    def value(self, total: float, count: int) -> float:
        """The metric from its sums and counts over all batches."""
        return total / count

    @abstractmethod
    def goal(self) -> str:
        """The target in words."""


@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """The share of examples whose largest logit is the label's: logits (N, K), labels (N,)."""

    name = "accuracy"
    unit = "fraction"
    better = "more"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        labels = batch[self.field]
        return int(np.count_nonzero(outputs[self.output].argmax(axis=1) == labels)), len(labels)

    def goal(self) -> str:
        return f"an accuracy of {self.target:.0%}"


@dataclass(frozen=True, kw_only=True)
class BinaryAccuracy(Accuracy):
    """The share of examples on the right side of 0: logits (N, 1), labels 0 or 1, (N, 1)."""

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        labels = batch[self.field]
        right = (outputs[self.output][:, 0] > 0) == (labels[:, 0] > 0.5)
        return int(np.count_nonzero(right)), len(labels)


@dataclass(frozen=True, kw_only=True)
class RMSE(Metric):
    """The root of the mean squared error: predictions (N, 1), targets (N, 1)."""

    output: str = "prediction"
    field: str = "target"

    name = "RMSE"
    unit = ""
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        difference = np.asarray(outputs[self.output], np.float64) - batch[self.field]
        return float((difference**2).sum()), difference.size

    def value(self, total: float, count: int) -> float:
        return math.sqrt(total / count)

    def goal(self) -> str:
        return f"an RMSE of {self.target:g} or less"


@dataclass(frozen=True, kw_only=True)
class BitsPerCharacter(Metric):
    """-log2 of the probability of each next character: logits (N, T, K), characters (N, T)."""

    field: str = "next"

    name = "bits a character"
    unit = ""
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        found = surprise(outputs[self.output], batch[self.field])
        return float(found.sum()) / math.log(2), found.size

    def goal(self) -> str:
        return f"{self.target:g} bits a character or less"


@dataclass(frozen=True, kw_only=True)
class TokenAccuracy(Metric):
    """The share of real tokens whose logit is the largest: logits (N, T, K), tokens (N, T).

    0 is padding, and does not count.
    """

    field: str = "next"

    name = "token accuracy"
    unit = "fraction"
    better = "more"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        tokens = batch[self.field]
        real = tokens != 0
        right = outputs[self.output].argmax(axis=-1) == tokens
        return int(np.count_nonzero(right & real)), int(np.count_nonzero(real))

    def goal(self) -> str:
        return f"a token accuracy of {self.target:.0%}"
