"""Examples from a prepared data set's folder, cut into batches that every framework is given alike.

A prepared folder (made by `bench.datasets`) holds .npy files that are mapped, not read:

* images: `{train,test}_x.npy` uint8 (N, C, H, W) and `{train,test}_y.npy` uint8 (N,);
* text: `{train,test}_tokens.npy` int32 (T,), all texts end to end, each word by its rank in the
  training set plus 2 (1: not in the training set), `{train,test}_offsets.npy` int64 (N + 1,) and
  `{train,test}_y.npy` uint8 (N,);
* `dataset.json`: `name`, `source` ("real" or "synthetic"), `digest` and `official` by split,
  `note`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.core.adapter import BatchFormat
from bench.core.errors import DataError
from bench.core.task import ImageInput, Task, TokenInput
from bench.core.weights import Array

SplitName = Literal["train", "test"]

# Streams of random numbers, told apart by the second word of their seed.
_ORDER_STREAM = 1
_SUBSET_STREAM = 2


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What is known of a prepared data set. `digest` and `official` have a key for each split."""

    name: str
    source: str
    digest: dict[str, str]
    official: dict[str, bool]
    note: str = ""

    @staticmethod
    def read(folder: Path) -> DatasetInfo:
        """Raises DataError if `folder` holds no prepared data set."""
        try:
            fields = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{folder} holds no prepared data set") from None
        return DatasetInfo(**fields)


def data_label(dataset: Mapping[str, Any]) -> str:
    """What a data set is, by the fields of its DatasetInfo: real, or not, or not quite official."""
    if dataset["source"] != "real":
        return str(dataset["source"])
    odd = [split for split, official in dataset["official"].items() if not official]
    return f"real, {' and '.join(odd)} not official" if odd else "real"


def _map(folder: Path, name: str) -> Array:
    array: Array = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array


def _generator(*words: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(list(words)))


class Split:
    """One split of a task's data, laid out as one framework wants it.

    `limit` keeps that many examples, the same ones whatever the seed, in every framework.
    """

    def __init__(
        self, folder: Path, split: SplitName, task: Task, layout: BatchFormat, limit: int | None
    ) -> None:
        self._task = task
        self._layout = layout
        self._labels = _map(folder, f"{split}_y")
        if isinstance(task.input, TokenInput):
            self._tokens = _map(folder, f"{split}_tokens")
            self._offsets = _map(folder, f"{split}_offsets")
        else:
            self._images = _map(folder, f"{split}_x")
            self._channels_last = layout.channels_last and len(task.input.shape) == 3
            # value = byte * scale + shift, worked out in float64 and rounded once
            mean, std = np.array(task.input.mean), np.array(task.input.std)
            scale = (1 / (255 * std)).astype(np.float32)
            shift = (-mean / std).astype(np.float32)
            self._laid_out_as = self._images.shape[1:]
            if self._channels_last:
                # a whole row of pixels at a time: loops over three channels are slow
                channels, height, width = self._images.shape[1:]
                self._laid_out_as = height, width * channels
                self._scale, self._shift = np.tile(scale, width), np.tile(shift, width)
            else:
                self._scale, self._shift = scale[:, None, None], shift[:, None, None]
        total = len(self._labels)
        self._indices = np.arange(total)
        if limit is not None and limit < total:
            self._indices = np.sort(_generator(0, _SUBSET_STREAM).permutation(total)[:limit])
        self._kept: list[Array] = []  # where `window` lays pixels out

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, positions: Array) -> tuple[Array, Array]:
        """Examples and labels at `positions` (0 to len - 1), in the framework's own format."""
        return self._laid_out(self._indices[positions], None)

    def window(self, batches: Array) -> list[tuple[Array, Array]]:
        """Several batches by their positions, (batches, batch).

        Pixels lie where those of the last window did, as fresh memory takes several times as long
        to write to. So whatever was computed of that window must be done with.
        """
        if isinstance(self._task.input, TokenInput):
            return [self.batch(positions) for positions in batches]
        for positions in batches[len(self._kept) :]:
            self._kept.append(np.empty((len(positions), *self._laid_out_as), np.float32))
        return [
            self._laid_out(self._indices[positions], place)
            for positions, place in zip(batches, self._kept, strict=False)
        ]

    def _laid_out(self, rows: Array, place: Array | None) -> tuple[Array, Array]:
        x = (
            self._token_rows(rows)
            if isinstance(self._task.input, TokenInput)
            else self._pixels(rows, place)
        )
        labels = self._labels[rows]
        if self._task.loss == "sigmoid_cross_entropy":
            return x, labels.astype(np.float32)[:, None]  # (N, 1)
        return x, labels.astype(self._layout.labels)

    def _pixels(self, rows: Array, place: Array | None) -> Array:
        """In `place` if it is given, of the shape that `window` makes, or in fresh memory."""
        assert isinstance(self._task.input, ImageInput)
        pixels = self._images[rows]  # (N, C, H, W)
        count, channels, height, width = pixels.shape
        if self._channels_last:  # moved as bytes: as floats they are four times as many
            # (N, C, H, W) -> (N, H, W*C)
            pixels = pixels.transpose(0, 2, 3, 1).reshape(count, height, width * channels)
        x: Array = np.multiply(pixels, self._scale, out=place, dtype=np.float32)
        x += self._shift
        if len(self._task.input.shape) == 1:
            return x.reshape(count, -1)  # (N, C*H*W)
        return x.reshape(count, height, width, channels) if self._channels_last else x

    def _token_rows(self, rows: Array) -> Array:
        assert isinstance(self._task.input, TokenInput)
        length, vocabulary = self._task.input.length, self._task.input.vocabulary
        starts, stops = self._offsets[rows], self._offsets[rows + 1]
        places = stops[:, None] - length + np.arange(length)  # (N, length)
        inside = places >= starts[:, None]
        words = self._tokens[np.where(inside, places, 0)]
        known = np.where(words < vocabulary, words, 1)
        x: Array = np.where(inside, known, 0).astype(self._layout.tokens)  # 0 pads at the front
        return x

    def epoch(self, seed: int, epoch: int) -> Array:
        """The order of one training epoch, (steps, batch). What fills no batch is left out."""
        order = _generator(seed, _ORDER_STREAM, epoch).permutation(len(self))
        steps = len(self) // self._task.batch
        if steps == 0:
            raise DataError(
                f"{len(self)} training examples do not fill a batch of {self._task.batch}"
            )
        return order[: steps * self._task.batch].reshape(steps, self._task.batch)

    def in_order(self, size: int) -> Iterator[tuple[Array, Array, int]]:
        """Every example once: (x, y, how many count).

        The last batch is filled up with repeats, so that all have one shape and nothing is
        compiled twice.
        """
        for start in range(0, len(self), size):
            positions = np.arange(start, start + size)
            count = min(size, len(self) - start)
            yield *self.batch(np.minimum(positions, len(self) - 1)), count


def accuracy_of(task: Task, logits: Array, labels: Array) -> int:
    """How many of the logits (N, K) name the right class."""
    if task.loss == "sigmoid_cross_entropy":
        return int(np.count_nonzero((logits[:, 0] > 0) == (labels[:, 0] > 0.5)))
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))


def loss_of(task: Task, logits: Array, labels: Array) -> float:
    """The sum of the examples' losses, in float64."""
    z: Array = np.asarray(logits, np.float64)
    if task.loss == "sigmoid_cross_entropy":
        # log(1 + exp(-|z|)) + max(z, 0) - z * y does not overflow
        per_example: Any = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * labels
    else:
        z = z - z.max(axis=1, keepdims=True)
        picked = z[np.arange(len(z)), labels.astype(np.intp)]
        per_example = np.log(np.exp(z).sum(axis=1)) - picked
    return float(per_example.sum())
