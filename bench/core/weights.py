"""Canonical initial weights: from a seed, and from a file where a user gives one.

Every worker draws them itself, with whatever numpy it has: PCG64's raw stream and `uniform` have
not changed since release 1.17, and the digest in each record would show a difference. Only weights
that a task does not train can be given: they are data of the task, the same for every framework.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.core.arrays import Array
from bench.core.task import Task


@dataclass(frozen=True, kw_only=True)
class GivenWeights:
    """A file of weights that a user gives, without its place: its name and its sha256.

    Files of one content are equal, whatever their names.
    """

    name: str = field(compare=False)
    sha256: str

    def __post_init__(self) -> None:
        """Raises ValueError for what is no sha256: it is part of a path in the cache."""
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.sha256[:70]!r} is not a sha256")

    @property
    def short_digest(self) -> str:
        """What tells it from other files, as people read it."""
        return f"sha256 {self.sha256[:8]}…"

    def __str__(self) -> str:
        return f"{self.name} ({self.short_digest})"


def initial_weights(task: Task, seed: int, given_file: str = "") -> dict[str, Array]:
    """The task's initial weights, float32, in canonical layout.

    Each parameter has its own random stream, so that adding a parameter does not change the others.
    Those in `given_file`, a .npz with names of the task's own, are taken from there instead.
    """
    given: Mapping[str, Array] = {}
    if given_file:
        with np.load(given_file, allow_pickle=False) as arrays:
            given = dict(arrays)
    return {
        parameter.name: given[parameter.name]
        if parameter.name in given
        else parameter.start.draw(
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
