"""Canonical initial weights from a seed.

Every worker draws them itself, with whatever numpy it has: PCG64's raw stream and `uniform` have
not changed since release 1.17, and the digest in each record would show a difference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.core.arrays import Array
from bench.core.task import Task


def initial_weights(task: Task, seed: int) -> dict[str, Array]:
    """The task's initial weights, float32, in canonical layout.

    Each parameter has its own random stream, so that adding a parameter does not change the others.
    """
    return {
        parameter.name: parameter.start.draw(
            parameter.shape, np.random.Generator(np.random.PCG64([seed, index]))
        )
        for index, parameter in enumerate(task.parameters)
    }


def opened(task: Task, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights with which nearly all values that are normalized over a batch pass their rectifier.

    Normalized values lie around 0 by the million, and rounding carries some of them across it,
    where the slope jumps from 0 to 1. On a small map, a single such value changes a gradient by a
    hundredth. The formula's steps hold float32 to the size of its rounding, so they start with
    values away from 0.
    """
    moved = {
        parameter.name: np.full(parameter.shape, parameter.opened, np.float32)
        for parameter in task.parameters
        if parameter.opened is not None
    }
    return {**weights, **moved}
