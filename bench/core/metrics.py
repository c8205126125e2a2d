"""Metrics: the measure of a task's quality on its test set, computed in numpy for every framework.

A metric is worked out from sums over a batch, which add up over batches, so that batches of any
size give the same value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, SupportsFloat

import numpy as np

from bench.core.arrays import Array
from bench.core.losses import negative_elbo, surprise


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
    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        """The sums over a batch, a vector in float64.

        Most often two: of what is averaged, and how many values that is over.
        """

    def value(self, sums: Array) -> float:
        """The metric from its sums over all batches."""
        total, count = sums
        return float(total / count)

    def on(self, folder: Path) -> Metric:
        """The same metric with what it needs of the prepared data in `folder`, if it does."""
        return self

    @abstractmethod
    def goal(self) -> str:
        """The target in words."""


def total_and_count(total: SupportsFloat, count: SupportsFloat) -> Array:
    """What `Metric.of` returns for a mean."""
    return np.array([float(total), float(count)])


@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """The share of examples whose largest logit is the label's: logits (N, K), labels (N,)."""

    name = "accuracy"
    unit = "fraction"
    better = "more"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        labels = batch[self.field]
        right = outputs[self.output].argmax(axis=1) == labels
        return total_and_count(np.count_nonzero(right), len(labels))

    def goal(self) -> str:
        return f"an accuracy of {self.target:.0%}"


@dataclass(frozen=True, kw_only=True)
class BinaryAccuracy(Accuracy):
    """The share of examples on the right side of 0: logits (N, 1), labels 0 or 1, (N, 1)."""

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        labels = batch[self.field]
        right = (outputs[self.output][:, 0] > 0) == (labels[:, 0] > 0.5)
        return total_and_count(np.count_nonzero(right), len(labels))


@dataclass(frozen=True, kw_only=True)
class RMSE(Metric):
    """The root of the mean squared error: predictions (N, 1), targets (N, 1)."""

    output: str = "prediction"
    field: str = "target"

    name = "RMSE"
    unit = ""
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        difference = np.asarray(outputs[self.output], np.float64) - batch[self.field]
        return total_and_count((difference**2).sum(), difference.size)

    def value(self, sums: Array) -> float:
        return math.sqrt(super().value(sums))

    def goal(self) -> str:
        return f"an RMSE of {self.target:g} or less"


@dataclass(frozen=True, kw_only=True)
class BitsPerCharacter(Metric):
    """-log2 of the probability of each next character: logits (N, T, K), characters (N, T)."""

    field: str = "next"

    name = "bits a character"
    unit = ""
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        found = surprise(outputs[self.output], batch[self.field])
        return total_and_count(found.sum() / math.log(2), found.size)

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

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        tokens = batch[self.field]
        real = tokens != 0
        right = outputs[self.output].argmax(axis=-1) == tokens
        return total_and_count(np.count_nonzero(right & real), np.count_nonzero(real))

    def goal(self) -> str:
        return f"a token accuracy of {self.target:.0%}"


@dataclass(frozen=True, kw_only=True)
class EvidenceBound(Metric):
    """The negative evidence lower bound, as `bench.core.losses.NegativeELBO` has it, in nats."""

    field: str = "image"
    mean: str = "mean"
    log_variance: str = "log_variance"

    name = "negative evidence lower bound"
    unit = "nats"
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        found = negative_elbo(
            outputs[self.output],
            batch[self.field],
            mean=outputs[self.mean],
            log_variance=outputs[self.log_variance],
        )
        return total_and_count(found.sum(), found.size)

    def goal(self) -> str:
        return f"a negative evidence lower bound of {self.target:g} nats or less"


@dataclass(frozen=True, kw_only=True)
class CharacterErrorRate(Metric):
    """Changes of a letter that turn what is read into what is said, over the letters said.

    What is read is the largest logit of each frame that counts, once where it is the same in
    consecutive frames, and without blanks (0): logits (N, T, K), letters (N, L) with 0 behind the
    last, and counts (N,). A change inserts, deletes or replaces a letter (Levenshtein, 1966).
    """

    field: str = "letters"
    count: str = "count"

    name = "character error rate"
    unit = "fraction"
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        said = [row[row != 0].tolist() for row in batch[self.field]]
        read = read_letters(outputs[self.output], batch[self.count])
        changes = sum(_changes(one, other) for one, other in zip(read, said, strict=True))
        return total_and_count(changes, sum(map(len, said)))

    def goal(self) -> str:
        return f"a character error rate of {self.target:.0%} or less"


def read_letters(logits: Array, counts: Array) -> list[list[int]]:
    """What a network trained by CTC reads in each recording: (N, T, K) and (N,) -> N lists."""
    return [
        [letter for _, letter in spoken_letters(own[:count])]
        for own, count in zip(logits, counts, strict=True)
    ]


def spoken_letters(logits: Array) -> list[tuple[int, int]]:
    """The letters that such a network reads in the frames of a recording, (T, K).

    Each with the first of its frames.
    """
    best = logits.argmax(axis=-1)
    is_read = (np.diff(best, prepend=0) != 0) & (best != 0)
    frames = np.flatnonzero(is_read)
    return list(zip(frames.tolist(), best[frames].tolist(), strict=True))


def _changes(one: list[int], other: list[int]) -> int:
    """The least number of letters inserted, deleted or replaced that makes one text the other."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        before, row[0] = row[0], number
        for place, own in enumerate(other, start=1):
            replaced = before + (letter != own)
            before, row[place] = row[place], min(replaced, row[place] + 1, row[place - 1] + 1)
    return row[-1]
