"""Noise: normal random numbers that a network reads beside its data: see `bench.core.fields`.

A framework draws them itself where its training is timed, as its users write it. No two of them
draw the same, so that in the proof and in evaluation the harness draws them, for all alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.fields import Field, prepared_file
from bench.core.readers import BatchFormat, Reader

# Streams of independent numbers, and the number of values that each of them has. Each noise of a
# task has one for each split; from OTHER_STREAM on they are of no split.
STREAMS: Mapping[SplitName, int] = {"train": 0, "test": 1}
OTHER_STREAM = 1 << 8
STREAM_VALUES = 1 << 48


def uniform(counters: Array) -> Array:
    """A number in [0, 1) for each counter, by SplitMix64 (Steele, Lea and Flood, 2014).

    `counters` are uint64 of any shape. The numbers are the same in every version of numpy, which
    numpy does not promise of its own generators.
    """
    x: Array = (counters + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Array = ((x ^ (x >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    return found


def standard_normal(rows: Array, size: int, *, stream: int) -> Array:
    """The standard normal numbers of the examples `rows`, (N,) -> (N, size), float32.

    By the method of Box and Muller (1958), from two uniform numbers each.
    """
    places = rows[:, None].astype(np.uint64) * np.uint64(size) + np.arange(size, dtype=np.uint64)
    counters = np.uint64(2) * places + np.uint64(stream * STREAM_VALUES)
    radius = np.sqrt(-2 * np.log1p(-uniform(counters)))
    angle = 2 * np.pi * uniform(counters + np.uint64(1))
    found: Array = (radius * np.cos(angle)).astype(np.float32)
    return found


class NoiseReader(Reader):
    """The normal numbers of each example, which depend on its place in the split alone."""

    def __init__(self, count: int, *, size: int, stream: int, dtype: str) -> None:
        self._count = count
        self._size = size
        self._stream = stream
        self._dtype = dtype

    def __len__(self) -> int:
        return self._count

    def rows(self, rows: Array) -> Array:
        """The numbers of the examples in `rows`, (N, size)."""
        return standard_normal(rows, self._size, stream=self._stream).astype(self._dtype)


@dataclass(frozen=True, kw_only=True)
class Noise(Field):
    """Standard normal numbers, (size,) per example. `layer` is the first that reads them.

    That is a dense layer with a bias and a rectifier, or a leaky one. A task's noises are told
    apart by their `number`: those of different numbers are independent. Of the prepared `array`,
    only the number of examples is read.
    """

    array: str = "x"
    size: int
    layer: str
    number: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    @property
    def drawn_for(self) -> str | None:
        return self.layer

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        count = len(prepared_file(folder, split, self.array))
        stream = self.number * len(STREAMS) + STREAMS[split]
        return NoiseReader(count, size=self.size, stream=stream, dtype=layout.floats)

    def __str__(self) -> str:
        return f"{self.size} standard normal numbers"
