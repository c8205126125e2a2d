"""Canonical initial weights from a seed.

Every worker draws them itself, with whatever numpy it has: PCG64's raw stream and `uniform` have
not changed since release 1.17, and the digest in each record would show a difference.
"""

from __future__ import annotations

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
