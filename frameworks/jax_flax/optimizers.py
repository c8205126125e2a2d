"""Optax's optimizers, which have the task's update formula."""

from __future__ import annotations

from typing import Any

import optax

from bench.core.optimizers import SGD, Adam, Optimizer


def sgd(settings: SGD) -> optax.GradientTransformation:
    return optax.sgd(settings.learning_rate, settings.momentum or None)


def adam(settings: Adam) -> optax.GradientTransformation:
    return optax.adam(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)


MAKERS = {"sgd": sgd, "adam": adam}
# Optax's names of an optimizer's state.
STATE = {"velocity": "trace", "mean": "mu", "square": "nu"}


def make_optimizer(settings: Optimizer) -> optax.GradientTransformation:
    """The task's optimizer."""
    return MAKERS[settings.kind](settings)


def state_of(moments: optax.OptState, name: str) -> Any:
    """A part of an optimizer's state, by the task's name: a tree like that of the weights."""
    # Optax's optimizers are chains, in which the formula comes before the learning rate.
    formula, *_ = moments
    return getattr(formula, STATE[name])
