"""Optax's optimizers, which have the task's update formula."""

from __future__ import annotations

import optax

from bench.core.optimizers import SGD, Optimizer


def make_optimizer(settings: Optimizer) -> optax.GradientTransformation:
    """The task's optimizer."""
    if isinstance(settings, SGD):
        return optax.sgd(settings.learning_rate, settings.momentum or None)
    return optax.adam(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)
