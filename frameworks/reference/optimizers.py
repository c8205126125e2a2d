"""The optimizers' state over named weights; `bench.core.optimizers` has the formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import WEIGHT, Optimizer


class Updates:
    """An optimizer's state over named weights, and the steps it has done."""

    def __init__(
        self, optimizers: Mapping[str, Optimizer], params: Mapping[str, Array], clip: float | None
    ) -> None:
        """`optimizers` has the formula for each weight, and `clip` is as in the task's update."""
        self._optimizers = optimizers
        self._clip = clip
        self._state = {
            weight: {name: np.zeros_like(param) for name in optimizers[weight].state}
            for weight, param in params.items()
        }
        self._steps = 0

    def resume(self, state: Mapping[str, Array], steps: int) -> None:
        """Go on from a `state` that so many `steps` have left."""
        self._steps = steps
        for weight, own in self._state.items():
            for name, array in own.items():
                own[name] = state[f"{name}/{weight}"].astype(array.dtype)

    def apply(
        self, params: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The weights after one more step."""
        self._steps += 1
        gradients = clipped(gradients, self._clip)
        weights = {}
        for name, param in params.items():
            trained = {WEIGHT: param, **self._state[name]}
            formula = self._optimizers[name]
            self._state[name] = formula.updated(trained, gradients[name], self._steps)
            weights[name] = self._state[name].pop(WEIGHT)
        return weights

    def state(self) -> dict[str, Array]:
        """The state of every weight, as STATE/WEIGHT."""
        return {
            f"{name}/{weight}": array.copy()
            for weight, state in self._state.items()
            for name, array in state.items()
        }


def clipped(gradients: Mapping[str, Array], clip: float | None) -> Mapping[str, Array]:
    """The gradients, made smaller together if their norm is above `clip`: Pascanu et al. (2013)."""
    if clip is None:
        return gradients
    norm = math.sqrt(sum(float(np.sum(gradient**2)) for gradient in gradients.values()))
    scale = min(1.0, clip / norm) if norm else 1.0
    return {name: scale * gradient for name, gradient in gradients.items()}
