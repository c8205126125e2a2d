"""Optimizers: the formulas by which a weight w is updated from its gradient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SGD:
    """w <- w - learning_rate * v, with v <- momentum * v + gradient (no damping, no Nesterov)."""

    learning_rate: float
    momentum: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam as Kingma and Ba (2015) give it in Algorithm 1: epsilon outside the bias correction.

    w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon)
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


Optimizer = SGD | Adam


def dyadic(optimizer: Optimizer) -> Optimizer:
    """The same formula with constants that float32 holds exactly, like their complements to 1.

    Adam's epsilon is made large. With a small epsilon the first update is little more than the
    sign of each gradient, which hides both the formula and the gradient.
    """
    if isinstance(optimizer, SGD):
        return SGD(learning_rate=2**-7, momentum=0.875 if optimizer.momentum else 0.0)
    return Adam(learning_rate=2**-10, beta1=0.875, beta2=1 - 2**-10, epsilon=2**-13)
