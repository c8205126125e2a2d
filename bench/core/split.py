"""A split of a prepared data set, cut into the same batches for every framework.

A prepared folder (made by `bench.datasets`) holds `dataset.json` (see `bench.core.dataset_info`)
and .npy files, which are mapped into memory, not read:

* images: `{train,test}_x.npy` uint8 (N, C, H, W) and `{train,test}_y.npy` uint8 (N,);
* text: `{train,test}_tokens.npy` int32 (T,), all texts end to end, each word by its rank in the
  training set plus 2 (1: not in the training set), `{train,test}_offsets.npy` int64 (N + 1,) and
  `{train,test}_y.npy` uint8 (N,).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.core.adapter import BatchFormat
from bench.core.dataset_info import SplitName
from bench.core.errors import DataError
from bench.core.task import ImageInput, Task, TokenInput
from bench.core.weights import Array

# Independent streams of random numbers, distinguished by the second word of their seed.
_ORDER_STREAM = 1
_SUBSET_STREAM = 2


def _map(folder: Path, name: str) -> Array:
    array: Array = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array


def _generator(*words: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(list(words)))


class _Images:
    """Images, normalized: value = byte * scale + shift, both of them per channel."""

    def __init__(
        self, folder: Path, split: SplitName, described: ImageInput, layout: BatchFormat
    ) -> None:
        self._images = _map(folder, f"{split}_x")
        self._flat = len(described.shape) == 1
        self._floats = layout.floats
        self._channels_last = layout.channels_last and not self._flat
        # Computed in float64 and rounded once.
        mean, std = np.array(described.mean), np.array(described.std)
        scale = (1 / (255 * std)).astype(np.float32)
        shift = (-mean / std).astype(np.float32)
        self._computed_as = self._images.shape[1:]
        if self._channels_last:
            # A whole row of pixels at a time, because loops over three channels are slow.
            channels, height, width = self._images.shape[1:]
            self._computed_as = height, width * channels
            self._scale, self._shift = np.tile(scale, width), np.tile(shift, width)
        else:
            self._scale, self._shift = scale[:, None, None], shift[:, None, None]
        self._buffers: list[Array] = []

    def rows(self, rows: Array, buffer: Array | None = None) -> Array:
        """The images in `rows`, computed in `buffer` if there is one, else in fresh memory."""
        pixels = self._images[rows]  # (N, C, H, W)
        count, channels, height, width = pixels.shape
        if self._channels_last:  # moved as bytes, because floats are four times as large
            # (N, C, H, W) -> (N, H, W*C)
            pixels = pixels.transpose(0, 2, 3, 1).reshape(count, height, width * channels)
        x: Array = np.multiply(pixels, self._scale, out=buffer, dtype=np.float32)
        x += self._shift
        if self._flat:
            x = x.reshape(count, -1)  # (N, C*H*W)
        elif self._channels_last:
            x = x.reshape(count, height, width, channels)
        return x.astype(self._floats, copy=False)

    def window(self, batches: Array) -> list[Array]:
        """The images in the rows of several batches, (batches, batch), in the window's buffers."""
        for rows in batches[len(self._buffers) :]:
            self._buffers.append(np.empty((len(rows), *self._computed_as), np.float32))
        return [
            self.rows(rows, buffer) for rows, buffer in zip(batches, self._buffers, strict=False)
        ]


class _Texts:
    """Texts as token ids, the last `length` words of each, padded with 0 at the front."""

    def __init__(
        self, folder: Path, split: SplitName, described: TokenInput, layout: BatchFormat
    ) -> None:
        self._tokens = _map(folder, f"{split}_tokens")
        self._offsets = _map(folder, f"{split}_offsets")
        self._length = described.length
        self._vocabulary = described.vocabulary
        self._dtype = layout.tokens

    def rows(self, rows: Array) -> Array:
        """The texts in `rows`, (N, length)."""
        starts, stops = self._offsets[rows], self._offsets[rows + 1]
        places = stops[:, None] - self._length + np.arange(self._length)  # (N, length)
        inside = places >= starts[:, None]
        words = self._tokens[np.where(inside, places, 0)]
        words = np.where(words < self._vocabulary, words, 1)
        x: Array = np.where(inside, words, 0).astype(self._dtype)
        return x

    def window(self, batches: Array) -> list[Array]:
        """The texts in the rows of several batches, (batches, batch)."""
        return [self.rows(rows) for rows in batches]


class Split:
    """One split of a task's data, laid out in one framework's format.

    `limit` restricts it to that many examples, the same for every seed and framework.
    """

    def __init__(
        self, folder: Path, split: SplitName, task: Task, layout: BatchFormat, limit: int | None
    ) -> None:
        self._batch = task.batch
        self._labels = _map(folder, f"{split}_y")
        self._binary = task.loss == "sigmoid_cross_entropy"
        self._label_dtype = layout.floats if self._binary else layout.labels
        self._examples: _Images | _Texts
        if isinstance(task.input, TokenInput):
            self._examples = _Texts(folder, split, task.input, layout)
        else:
            self._examples = _Images(folder, split, task.input, layout)
        total = len(self._labels)
        self._indices = np.arange(total)
        if limit is not None and limit < total:
            self._indices = np.sort(_generator(0, _SUBSET_STREAM).permutation(total)[:limit])

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, positions: Array) -> tuple[Array, Array]:
        """Examples and labels at `positions` (0 to len - 1)."""
        rows = self._indices[positions]
        return self._examples.rows(rows), self._labels_of(rows)

    def window(self, batches: Array) -> list[tuple[Array, Array]]:
        """Several batches by their positions, (batches, batch).

        Reuses the previous window's buffers, because fresh memory takes several times as long to
        write to. Finish with the previous window first, including the device's work on it.
        """
        rows = self._indices[batches]
        labels = [self._labels_of(batch_rows) for batch_rows in rows]
        return list(zip(self._examples.window(rows), labels, strict=True))

    def _labels_of(self, rows: Array) -> Array:
        labels = self._labels[rows].astype(self._label_dtype)  # (N,)
        return labels[:, None] if self._binary else labels  # (N, 1) under a sigmoid

    def epoch(self, seed: int, epoch: int) -> Array:
        """The order of one training epoch, (steps, batch), without an incomplete last batch.

        Raises DataError if the split does not fill one batch.
        """
        order = _generator(seed, _ORDER_STREAM, epoch).permutation(len(self))
        steps = len(self) // self._batch
        if steps == 0:
            raise DataError(f"{len(self)} training examples do not fill a batch of {self._batch}")
        return order[: steps * self._batch].reshape(steps, self._batch)

    def in_order(self, size: int) -> Iterator[tuple[Array, Array, int]]:
        """Every example once, in batches of `size`: (x, y, how many of them count).

        The last batch is filled up with repeats, so that all batches have the same shape and
        nothing is compiled twice.
        """
        for start in range(0, len(self), size):
            positions = np.arange(start, start + size)
            count = min(size, len(self) - start)
            yield *self.batch(np.minimum(positions, len(self) - 1)), count
