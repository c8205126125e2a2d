"""The update formulas of `bench.core.optimizers` over numpy arrays, by their kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import SGD, Adam, Optimizer

# An optimizer's state of one weight, by its names.
State = dict[str, Array]


def sgd(settings: SGD, state: State, gradient: Array, step: int) -> Array:
    """What a step subtracts from a weight; moves the velocity, if there is one."""
    if not settings.momentum:
        return settings.learning_rate * gradient
    state["velocity"] = settings.momentum * state["velocity"] + gradient
    return settings.learning_rate * state["velocity"]


def adam(settings: Adam, state: State, gradient: Array, step: int) -> Array:
    """What a step, counted from 1, subtracts from a weight; moves both moments."""
    state["mean"] = settings.beta1 * state["mean"] + (1 - settings.beta1) * gradient
    state["square"] = settings.beta2 * state["square"] + (1 - settings.beta2) * gradient**2
    mean = state["mean"] / (1 - settings.beta1**step)
    square = state["square"] / (1 - settings.beta2**step)
    change: Array = settings.learning_rate * mean / (np.sqrt(square) + settings.epsilon)
    return change


FORMULAS = {"sgd": sgd, "adam": adam}


class Updates:
    """An optimizer's state over named weights, and the steps it has done."""

    def __init__(self, settings: Optimizer, params: Mapping[str, Array]) -> None:
        self._settings = settings
        self._formula = FORMULAS[settings.kind]
        self._state = {
            weight: {name: np.zeros_like(param) for name in settings.state}
            for weight, param in params.items()
        }
        self._steps = 0

    def apply(
        self, params: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The weights after one more step."""
        self._steps += 1
        return {
            name: param
            - self._formula(self._settings, self._state[name], gradients[name], self._steps)
            for name, param in params.items()
        }

    def state(self) -> dict[str, Array]:
        """The state of every weight, as STATE/WEIGHT."""
        return {
            f"{name}/{weight}": array.copy()
            for weight, state in self._state.items()
            for name, array in state.items()
        }
