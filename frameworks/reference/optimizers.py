"""The optimizers' state over named weights; `bench.core.optimizers` has the formulas."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import WEIGHT, Optimizer


class Updates:
    """An optimizer's state over named weights, and the steps it has done."""

    def __init__(self, settings: Optimizer, params: Mapping[str, Array]) -> None:
        self._settings = settings
        self._state = {
            weight: {name: np.zeros_like(param) for name in settings.state}
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
        weights = {}
        for name, param in params.items():
            trained = {WEIGHT: param, **self._state[name]}
            self._state[name] = self._settings.updated(trained, gradients[name], self._steps)
            weights[name] = self._state[name].pop(WEIGHT)
        return weights

    def state(self) -> dict[str, Array]:
        """The state of every weight, as STATE/WEIGHT."""
        return {
            f"{name}/{weight}": array.copy()
            for weight, state in self._state.items()
            for name, array in state.items()
        }
