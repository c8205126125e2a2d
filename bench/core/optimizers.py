"""Optimizers: the formulas by which a weight w is updated from its gradient.

Each knows its state for every trained value, its formula forwards and backwards over numpy arrays,
and its `dyadic` twin: the same formula with constants that float32 holds exactly, like their
complements to 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np

from bench.core.arrays import Array
from bench.core.parameters import Parameter

WEIGHT = "weight"
# A trained tensor, or some of its entries, with its optimizer's state: the array called WEIGHT, and
# one of the same shape for each name of `Optimizer.state`.
Trained = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """An update formula, which is its docstring, and its constants.

    `kind` is the name by which a framework finds its own.
    """

    learning_rate: float

    kind: ClassVar[str]

    @property
    @abstractmethod
    def state(self) -> tuple[str, ...]:
        """The names of what it keeps for each trained value. All of it starts at 0."""

    @abstractmethod
    def updated(self, trained: Trained, gradient: Array, step: int) -> dict[str, Array]:
        """What a step makes of a tensor and its state; `step` counts from 1."""

    @abstractmethod
    def gradient(self, before: Trained, after: Trained) -> Array:
        """The gradient with which a step led from `before` to `after`: `updated` solved for it."""

    @abstractmethod
    def dyadic(self) -> Optimizer:
        """Its twin for the proof."""

    def of(self, parameter: Parameter) -> Optimizer:
        """The formula by which it moves a parameter, where that depends on the parameter's kind."""
        return self

    def __str__(self) -> str:
        """The class and its constants."""
        constants = (
            f"{field.name.replace('_', ' ')} {getattr(self, field.name):g}"
            for field in fields(self)
        )
        return f"{type(self).__name__}: {', '.join(constants)}"


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """w <- w - learning_rate * v, with v <- momentum * v + gradient (no damping, no Nesterov)."""

    momentum: float = 0.0

    kind = "sgd"

    @property
    def state(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def updated(self, trained: Trained, gradient: Array, step: int) -> dict[str, Array]:
        if not self.momentum:
            return {WEIGHT: trained[WEIGHT] - self.learning_rate * gradient}
        velocity = self.momentum * trained["velocity"] + gradient
        return {WEIGHT: trained[WEIGHT] - self.learning_rate * velocity, "velocity": velocity}

    def gradient(self, before: Trained, after: Trained) -> Array:
        if not self.momentum:
            return (before[WEIGHT] - after[WEIGHT]) / self.learning_rate
        return after["velocity"] - self.momentum * before["velocity"]

    def dyadic(self) -> SGD:
        return SGD(learning_rate=2**-7, momentum=0.875 if self.momentum else 0.0)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam as Kingma and Ba (2015) give it in Algorithm 1: epsilon outside the bias correction.

    w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon)
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    kind = "adam"

    @property
    def state(self) -> tuple[str, ...]:
        """The first and the second moment."""
        return ("mean", "square")

    def updated(self, trained: Trained, gradient: Array, step: int) -> dict[str, Array]:
        mean = self.beta1 * trained["mean"] + (1 - self.beta1) * gradient
        square = self.beta2 * trained["square"] + (1 - self.beta2) * gradient**2
        mean_hat = mean / (1 - self.beta1**step)
        square_hat = square / (1 - self.beta2**step)
        change = self.learning_rate * mean_hat / (np.sqrt(square_hat) + self.epsilon)
        return {WEIGHT: trained[WEIGHT] - change, "mean": mean, "square": square}

    def gradient(self, before: Trained, after: Trained) -> Array:
        return (after["mean"] - self.beta1 * before["mean"]) / (1 - self.beta1)

    def dyadic(self) -> Adam:
        """Epsilon is made large in it.

        With a small epsilon the first update is little more than the sign of each gradient, which
        hides both the formula and the gradient.
        """
        return Adam(learning_rate=2**-10, beta1=0.875, beta2=1 - 2**-10, epsilon=2**-13)


# What AdamW does not let decay: the scales and shifts of normalizations.
SPARED = ("norm_scale", "norm_shift")


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled decay: Loshchilov and Hutter (2019), by PyTorch's and Optax's formula.

    w <- w - learning_rate * (m_hat / (sqrt(v_hat) + epsilon) + decay * w)

    Normalizations do not decay.
    """

    decay: float

    kind = "adamw"

    def updated(self, trained: Trained, gradient: Array, step: int) -> dict[str, Array]:
        kept = (1 - self.learning_rate * self.decay) * trained[WEIGHT]
        return super().updated({**trained, WEIGHT: kept}, gradient, step)

    def dyadic(self) -> AdamW:
        return AdamW(**vars(super().dyadic()), decay=2**-3)

    def of(self, parameter: Parameter) -> AdamW:
        return replace(self, decay=0.0) if parameter.kind in SPARED else self
