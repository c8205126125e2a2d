"""Optax's optimizers, which have the task's update formula."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import jax
import optax

from bench.core.optimizers import SGD, Adam, AdamW, Optimizer

# The paths of weights that do not decay.
Spared = Collection[tuple[Any, ...]]


def sgd(settings: SGD, spared: Spared) -> optax.GradientTransformation:
    return optax.sgd(settings.learning_rate, settings.momentum or None)


def adam(settings: Adam, spared: Spared) -> optax.GradientTransformation:
    return optax.adam(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)


def adamw(settings: AdamW, spared: Spared) -> optax.GradientTransformation:
    return optax.adamw(
        settings.learning_rate,
        settings.beta1,
        settings.beta2,
        settings.epsilon,
        weight_decay=settings.decay,
        mask=partial(decaying, spared),
    )


def decaying(spared: Spared, params: Any) -> Any:
    """Which of the weights decay: a tree like theirs."""

    def decays(path: tuple[Any, ...], _: Any) -> bool:
        # The path of a variable's value, whose last part is the value in it.
        return tuple(getattr(part, "key", None) for part in path[:-1]) not in spared

    return jax.tree_util.tree_map_with_path(decays, params)


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}
# Optax's names of an optimizer's state.
STATE = {"velocity": "trace", "mean": "mu", "square": "nu"}


def make_optimizer(
    settings: Optimizer, *, clip: float | None, spared: Spared
) -> optax.GradientTransformation:
    """The task's optimizer; `clip` is as in its update, and `spared` weights do not decay."""
    own = MAKERS[settings.kind](settings, spared)
    return own if clip is None else optax.chain(optax.clip_by_global_norm(clip), own)


def state_of(moments: optax.OptState, name: str) -> Any:
    """A part of an optimizer's state, by the task's name: a tree like that of the weights."""
    # Optax's optimizers are chains, in which the formula comes before the learning rate; what clips
    # gradients has no state.
    formula = next(part for part in moments if part != optax.EmptyState())
    if hasattr(formula, STATE[name]):
        return getattr(formula, STATE[name])
    return state_of(formula, name)  # a chain within a chain
