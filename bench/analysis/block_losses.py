"""Losses that the cells of a block should share, and by how much each cell is off.

Blocks are judged together, as one array, because a run may have many thousands of them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul

import numpy as np

from bench.core.arrays import Array
from bench.core.grouping import grouped
from bench.core.measurement import Measurement


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """The loss of a cell in a block that is furthest from the middle.

    `block`, `cell` and `column` are positions; `share` is the distance, relative to the scale, and
    `others` by how much the cells of the other frameworks differ among themselves there.
    """

    block: int
    cell: int
    column: int
    loss: float
    middle: float
    share: float
    others: float


@dataclass(frozen=True, kw_only=True)
class BlockLosses:
    """Losses of the same cells in some blocks, as far as all cells of a block have them.

    `frameworks` are those of the cells, `blocks` the blocks' positions among all (blocks,),
    `values` the losses (blocks, cells, columns), `middle` their medians (blocks, columns), and
    `scale` what deviations are relative to.
    """

    frameworks: Sequence[str]
    blocks: Sequence[int]
    values: Array
    middle: Array
    scale: Array

    @staticmethod
    def tables(
        frameworks: Sequence[str], rows: Sequence[Sequence[Sequence[float]]], *, scale_of: int
    ) -> Iterator[BlockLosses]:
        """A table for each number of columns, from the rows of each block's cells.

        `frameworks` are those of the cells. The scale is the mean of the middle over the first
        `scale_of` columns.
        """
        by_length = grouped(range(len(rows)), lambda block: min(map(len, rows[block])))
        for length, blocks in by_length.items():
            if not length:
                continue
            values = np.array([[row[:length] for row in rows[block]] for block in blocks], float)
            centre = middles(frameworks, values)
            yield BlockLosses(
                frameworks=frameworks,
                blocks=blocks,
                values=values,
                middle=centre,
                scale=np.abs(centre[:, :scale_of]).mean(axis=1),
            )

    def beyond(self, limit: float, columns: slice) -> Iterator[Deviation]:
        """The cells that are off by more than `limit` in any of these columns."""
        off = np.abs(self.values - self.middle[:, None])[..., columns]  # (blocks, cells, columns)
        beyond = off.max(axis=-1, initial=0.0) > limit * self.scale[:, None]  # (blocks, cells)
        first = range(self.values.shape[-1])[columns].start
        for block, cell in np.argwhere(beyond).tolist():
            worst = int(off[block, cell].argmax())
            scale = float(self.scale[block])
            values = self.values[block, :, first + worst]
            others = values[[name != self.frameworks[cell] for name in self.frameworks]]
            yield Deviation(
                block=self.blocks[block],
                cell=cell,
                column=first + worst,
                loss=float(values[cell]),
                middle=float(self.middle[block, first + worst]),
                share=float(off[block, cell, worst]) / scale if scale else math.inf,
                others=float(np.ptp(others)) / scale if others.size and scale else 0.0,
            )


def epoch_means(measured: Measurement) -> list[float]:
    """The mean loss of each epoch of the budget."""
    windows = measured.windows
    count = min(len(windows), windows.count_until(measured.evaluations[-1].step))
    means: list[float] = []
    end = 0
    while end < count:  # an epoch's windows are side by side
        begin, end = end, bisect_right(windows.epoch, windows.epoch[end], end, count)
        steps, losses = windows.steps[begin:end], windows.loss[begin:end]
        means.append(sum(map(mul, steps, losses)) / sum(steps))
    return means


# Sums of shares such as a third are off by less than this part of them.
ROUNDING = 1e-9


def middles(frameworks: Sequence[str], values: Array) -> Array:
    """The median of the cells' values, (blocks, cells, columns) -> (blocks, columns).

    Every framework has the same weight, however many cells it has: `frameworks` are the cells'.
    """
    cells = Counter(frameworks)
    shares = np.array([1 / cells[framework] for framework in frameworks])
    order = values.argsort(axis=1)
    values, passed = np.take_along_axis(values, order, axis=1), shares[order].cumsum(axis=1)
    half = len(cells) / 2
    exact = np.abs(passed - half) < ROUNDING * half
    reached = (exact | (passed > half)).argmax(axis=1)[:, None]  # (blocks, 1, columns)
    following = np.minimum(reached + 1, len(frameworks) - 1)
    found, after = (np.take_along_axis(values, at, axis=1) for at in (reached, following))
    at_half = np.take_along_axis(exact, reached, axis=1)
    centre: Array = np.where(at_half, (found + after) / 2, found)[:, 0]
    return centre
