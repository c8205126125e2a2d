"""Optimizers: the formulas by which a weight w is updated from its gradient.

Each knows its state for every trained value, and its `dyadic` twin: the same formula with constants
that float32 holds exactly, like their complements to 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar


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
    def dyadic(self) -> Optimizer:
        """Its twin for the proof."""

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

    def dyadic(self) -> Adam:
        """Epsilon is made large in it.

        With a small epsilon the first update is little more than the sign of each gradient, which
        hides both the formula and the gradient.
        """
        return Adam(learning_rate=2**-10, beta1=0.875, beta2=1 - 2**-10, epsilon=2**-13)
