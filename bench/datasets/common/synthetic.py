"""Synthetic twins: data with the shapes, types and counts of the real data sets, from a seed.

With them every cell can run where nothing can be downloaded. Networks learn them about as fast as
the real data: a linear model learns the images nearly, but not fully, and texts can only be learned
from the order of words. No operation is used whose last digit depends on the machine (exponentials,
floating-point sums), so that every machine generates the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.core.arrays import Array
from bench.datasets.common.content import SPLITS, Content

NOTE = "synthetic twin"
_SEED = 20240229
# Images generated at a time, and values of these, to limit memory.
_BLOCK = 2000
_BLOCK_VALUES = _BLOCK * 3 * 32 * 32


def generator(*words: int) -> np.random.Generator:
    """Random numbers of a twin; the first word is its own, so that twins are independent."""
    return np.random.Generator(np.random.PCG64([_SEED, *words]))


def below(rng: np.random.Generator, stop: int, size: int) -> Array:
    """Integers 0 to stop - 1, by `random`, whose stream is the same in every release of numpy."""
    return (rng.random(size) * stop).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """How the twin of an image set is generated.

    A prototype is a smooth random field: `grid` x `grid` values, interpolated bilinearly to the
    image's size, minus `threshold`, times `contrast`. An image is a prototype of its class, shifted
    by up to `shift` pixels, plus a weaker prototype of any class (at most `distractor` / 128), plus
    `background`, plus uniform noise of up to `noise`.
    """

    stream: int
    shape: tuple[int, int, int]
    train: int
    test: int
    prototypes: int
    grid: int
    threshold: int
    contrast: int
    ink: bool  # whether prototypes are nowhere below the background, like pen strokes
    background: int
    shift: int
    distractor: int
    noise: int
    classes: int = 10


def _bilinear(grid: int, side: int) -> Array:
    """Integer weights (side, grid), each row summing to side - 1."""
    positions = np.arange(side) * (grid - 1)
    left = np.minimum(positions // (side - 1), grid - 2)
    rest = positions - left * (side - 1)
    weights = np.zeros((side, grid), np.int64)
    weights[np.arange(side), left] = side - 1 - rest
    weights[np.arange(side), left + 1] = rest
    return weights


def _prototypes(kind: Pictures) -> Array:
    """Every prototype at every shift: int16 (classes * prototypes, shifts, C, H, W)."""
    channels, side, _ = kind.shape
    rng = generator(kind.stream, 0)
    count = kind.classes * kind.prototypes
    size = (count, channels, kind.grid, kind.grid)
    coarse = rng.integers(0, 256, size, dtype=np.uint8).astype(np.int64)
    weights = _bilinear(kind.grid, side)
    fine = (weights @ coarse @ weights.T) // (side - 1) ** 2  # (count, C, H, W), 0 to 255
    fine = (fine - kind.threshold) * kind.contrast
    fine = np.clip(fine, 0 if kind.ink else -255, 255).astype(np.int16)
    steps = range(-kind.shift, kind.shift + 1)
    return np.stack([np.roll(fine, by, axis=(2, 3)) for by in product(steps, steps)], axis=1)


def _draw(kind: Pictures, labels: Array, table: Array, rng: np.random.Generator) -> Array:
    """Images uint8 (N, C, H, W) of the given classes."""
    count = len(labels)
    prototype = labels * kind.prototypes + below(rng, kind.prototypes, count)
    other = below(rng, len(table), count)
    shifts = table.shape[1]
    strength = 96 + below(rng, 33, count)
    weaker = below(rng, kind.distractor + 1, count)
    per_image = (count, 1, 1, 1)
    x = table[prototype, below(rng, shifts, count)].astype(np.int32) * strength.reshape(per_image)
    x += table[other, below(rng, shifts, count)].astype(np.int32) * weaker.reshape(per_image)
    x >>= 7
    grain = rng.integers(0, 256, x.shape, dtype=np.uint8).view(np.int8).astype(np.int32)
    x += (grain * kind.noise) >> 7
    image: Array = np.clip(x + kind.background, 0, 255).astype(np.uint8)
    return image


def images(kind: Pictures, *, train: int | None = None, test: int | None = None) -> Content:
    """The twin of an image set; `train` and `test` override its numbers of examples."""
    table = _prototypes(kind)
    counts = {"train": train or kind.train, "test": test or kind.test}
    arrays: dict[str, Array] = {}
    for number, split in enumerate(SPLITS, start=1):
        rng = generator(kind.stream, number)
        x = np.empty((counts[split], *kind.shape), np.uint8)
        labels = below(rng, kind.classes, counts[split])
        size = min(_BLOCK, _BLOCK_VALUES // math.prod(kind.shape))
        for start in range(0, counts[split], size):
            block = slice(start, start + size)
            x[block] = _draw(kind, labels[block], table, rng)
        arrays |= {f"{split}_x": x, f"{split}_y": labels.astype(np.uint8)}
    return Content(arrays=arrays, official={"train": False, "test": False}, note=NOTE)
