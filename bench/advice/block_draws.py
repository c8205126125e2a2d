"""Means over a run's blocks, with random draws that show how far chance may have moved them.

A figure is a geometric mean over blocks, and then over tasks and conditions, so that every task
counts the same.

The draws follow the distribution behind Student's intervals: the mean logarithms of n blocks, of
all frameworks together, are drawn from a multivariate t distribution with n - 1 degrees of freedom,
with the blocks' covariance divided by n as its scale. The difference of two frameworks is then
Student's t of their pairs within blocks, as in `bench.analysis.intervals.ratio`, and several
figures can be drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.advice.comparable_cells import ComparableCells

DRAWS = 20_000
SEED = 20_261_124

Floats = NDArray[np.float64]
# Reads a framework's figure in every block that has it.
MetricByBlock = Callable[[ComparableCells, str], Mapping[int, float]]


@dataclass(frozen=True, kw_only=True)
class BlockDraws:
    """Mean logarithms of figures, (groups, frameworks), and their draws, (draws, groups, ...).

    `repeated` is False where some group has only one block, which does not show the effect of
    chance: all draws of that group are equal.
    """

    means: Floats
    draws: Floats
    repeated: bool

    @property
    def groups(self) -> int:
        """The number of groups of comparable cells that have the figure."""
        return len(self.means)


def draw(
    comparable: Sequence[ComparableCells], frameworks: Sequence[str], metric: MetricByBlock
) -> BlockDraws | None:
    """Draw a metric of every framework, in every group where all have it; None without a group.

    One group's draws use the same random numbers for every metric, so that figures measured in the
    same processes rise and fall together.
    """
    means, draws, repeated = [], [], True
    for cells in comparable:
        columns = [metric(cells, name) for name in frameworks]
        blocks = sorted(set.intersection(*(set(column) for column in columns)))
        if not blocks:
            continue
        logs = np.log([[column[block] for column in columns] for block in blocks])
        means.append(logs.mean(axis=0))
        draws.append(_draw_means(logs, [*cells.task.encode(), *cells.device.encode()]))
        repeated &= len(blocks) > 1
    if not means:
        return None
    return BlockDraws(means=np.array(means), draws=np.stack(draws, 1), repeated=repeated)


def _draw_means(logs: Floats, stream: Sequence[int]) -> Floats:
    """Draws of the column means of `logs`, (blocks, columns) -> (draws, columns)."""
    blocks, mean = len(logs), logs.mean(axis=0)
    if blocks == 1:
        return np.broadcast_to(mean, (DRAWS, len(mean)))
    rng = np.random.default_rng([SEED, *stream])
    # The rows of `normal` times the centred blocks have the blocks' covariance times n - 1.
    normal = rng.standard_normal((DRAWS, blocks)) @ (logs - mean)
    chi = np.sqrt(rng.chisquare(blocks - 1, (DRAWS, 1)) / (blocks - 1))
    draws: Floats = mean + normal / math.sqrt(blocks * (blocks - 1)) / chi
    return draws
