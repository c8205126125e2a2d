"""The update formulas of `bench.core.optimizers` over numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.core.optimizers import SGD, Optimizer
from bench.core.weights import Array


class Updates:
    """An optimizer's state over named weights: its moments, and the steps it has done."""

    def __init__(self, settings: Optimizer, params: Mapping[str, Array]) -> None:
        self._settings = settings
        self._first = {name: np.zeros_like(param) for name, param in params.items()}
        self._second = {name: np.zeros_like(param) for name, param in params.items()}
        self._steps = 0

    def apply(
        self, params: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The weights after one more step."""
        self._steps += 1
        return {name: param - self._change(name, gradients[name]) for name, param in params.items()}

    def _change(self, name: str, gradient: Array) -> Array:
        """What the step subtracts from a weight."""
        settings, first, second = self._settings, self._first, self._second
        if isinstance(settings, SGD):
            first[name] = settings.momentum * first[name] + gradient
            return settings.learning_rate * first[name]
        first[name] = settings.beta1 * first[name] + (1 - settings.beta1) * gradient
        second[name] = settings.beta2 * second[name] + (1 - settings.beta2) * gradient**2
        mean = first[name] / (1 - settings.beta1**self._steps)
        square = second[name] / (1 - settings.beta2**self._steps)
        change: Array = settings.learning_rate * mean / (np.sqrt(square) + settings.epsilon)
        return change
