"""Fields: what a batch is made of.

A prepared folder (made by `bench.datasets`) holds `dataset.json` (see `bench.core.dataset_info`)
and .npy files, which are mapped into memory, not read. A field knows which of them are its own,
reads rows of them, and lays them out in the format that a framework's users choose.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.readers import (
    BatchFormat,
    ColumnReader,
    ExcerptReader,
    PixelReader,
    Reader,
    TokenReader,
    middle,
)


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """One named part of a batch. `array` is its name in the prepared folder, after the split's.

    The network reads all fields that are not a `target`.
    """

    array: str

    target: ClassVar[bool] = False
    # Whether an example is the whole data set, as a graph is: a batch is one of them.
    whole: ClassVar[bool] = False

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of one example, in canonical order."""

    @property
    def matrix(self) -> tuple[int, int] | None:
        """Rows and columns, if it is a sparse matrix, of which a framework has its own kind."""
        return None

    @abstractmethod
    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        """Reads the field from a prepared folder."""

    @abstractmethod
    def __str__(self) -> str:
        """What it holds, in words."""

    @property
    def values(self) -> int:
        """Values of one example."""
        return math.prod(self.shape)

    @property
    def length(self) -> int | None:
        """The number of steps of its sequences; None if it has none."""
        return None

    @property
    def drawn_for(self) -> str | None:
        """The first layer that reads it, if it is noise, which frameworks draw; None if it is data.

        Batches of timed training are without noise.
        """
        return None

    def with_length(self, length: int) -> Field:
        """The same field with sequences of `length` steps, if it has any."""
        return self

    def shortened(self, array: Array) -> Array:
        """A batch of it as the proof takes it, where something in it must be made to occur."""
        return array

    def of_each_class(self, array: Array, classes: int) -> Array:
        """A batch of it with one example of each class, in their order.

        Or, of a whole graph, with one labelled node of each class, which sees itself alone.
        """
        return array


def prepared_file(folder: Path, split: SplitName, name: str) -> Array:
    """An array of a prepared folder, mapped into memory."""
    array: Array = np.load(folder / f"{split}_{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


@dataclass(frozen=True, kw_only=True)
class Pixels(Field):
    """Images as float32: (pixel / 255 - mean) / std, one mean and std for each channel.

    Prepared as uint8 (N, C, H, W). `size` is the shape of one example in canonical order: (pixels,)
    or (channels, height, width). Of larger images it takes the middle.
    """

    array: str = "x"
    size: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.size

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        images = prepared_file(folder, split, self.array)
        flat = len(self.size) == 1
        if not flat:
            images = middle(images, *self.size[1:])
        return PixelReader(images, mean=self.mean, std=self.std, flat=flat, layout=layout)

    def __str__(self) -> str:
        shape = " × ".join(map(str, self.size))
        axes = " (channels, height, width)" if len(self.size) == 3 else " pixels"
        mean, std = (
            ", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std)
        )
        per_channel = " of each channel" if len(self.mean) > 1 else ""
        return (
            f"images of {shape}{axes} in float32, (pixel / 255 - mean) / std, "
            f"with mean {mean} and std {std}{per_channel}"
        )


# Every so many texts, the proof cuts one to half. Otherwise there would be no padding, as reviews
# are longer than the proof's texts.
SHORT_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class Tokens(Field):
    """Token ids, (steps,) per example: 0 pads at the front, 1 is a word outside the vocabulary.

    Prepared as int32 (T,), all texts end to end, each word by its rank in the training set, counted
    from 2 or from above the data set's own marks (1: not in the training set), and as int64
    (N + 1,), called `offsets`: where each text begins, and the end.
    """

    array: str = "tokens"
    offsets: str = "offsets"
    steps: int
    vocabulary: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps,)

    @property
    def length(self) -> int | None:
        return self.steps

    def with_length(self, length: int) -> Tokens:
        return replace(self, steps=length)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        tokens = prepared_file(folder, split, self.array)
        return TokenReader(
            tokens,
            prepared_file(folder, split, self.offsets),
            length=self.steps,
            vocabulary=self.vocabulary,
            dtype=layout.tokens,
        )

    def shortened(self, array: Array) -> Array:
        array[::SHORT_EVERY, : array.shape[1] // 2] = 0  # (N, T), padded at the front
        return array

    def __str__(self) -> str:
        return (
            f"{self.steps} token ids per example, from a vocabulary of {self.vocabulary:,}; "
            "0 pads at the front, 1 is a word outside the vocabulary"
        )


@dataclass(frozen=True, kw_only=True)
class Excerpt(Field):
    """Consecutive characters of one long text, (steps,) per example, as ids from 0.

    Prepared as uint8 (T,), the text, and `starts`, int64 (N,): where each example begins.
    """

    array: str = "text"
    steps: int
    vocabulary: int

    # By how many characters what it holds is ahead of where the example begins.
    ahead: ClassVar[int] = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps,)

    @property
    def length(self) -> int | None:
        return self.steps

    def with_length(self, length: int) -> Excerpt:
        return replace(self, steps=length)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ExcerptReader(
            prepared_file(folder, split, self.array),
            prepared_file(folder, split, "starts"),
            length=self.steps,
            ahead=self.ahead,
            dtype=layout.labels if self.target else layout.tokens,
        )

    def __str__(self) -> str:
        return f"{self.steps} consecutive characters, of {self.vocabulary} different ones"


@dataclass(frozen=True, kw_only=True)
class NextCharacters(Excerpt):
    """The character after each of an `Excerpt`'s: what is to be predicted."""

    ahead = 1
    target = True

    def __str__(self) -> str:
        return f"the character after each of the {self.steps}"


@dataclass(frozen=True, kw_only=True)
class Ids(Field):
    """One id per example, 0 to `count` - 1, as an embedding reads it. Prepared as integers (N,)."""

    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ColumnReader(prepared_file(folder, split, self.array), layout.tokens)

    def __str__(self) -> str:
        return f"the number of one of {self.count:,} {self.array}s"


@dataclass(frozen=True, kw_only=True)
class Label(Field):
    """The class of each example, 0 to `classes` - 1. Prepared as uint8 (N,)."""

    array: str = "y"
    classes: int

    target = True

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ColumnReader(prepared_file(folder, split, self.array), layout.labels)

    def of_each_class(self, array: Array, classes: int) -> Array:
        return np.arange(classes).astype(array.dtype)

    def __str__(self) -> str:
        return f"one of {self.classes} classes"


@dataclass(frozen=True, kw_only=True)
class Target(Field):
    """A number per example, (1,): what is to be predicted, or 0 or 1 for one of two classes.

    Prepared as integers or floats (N,).
    """

    array: str = "y"
    about: str

    target = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (1,)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ColumnReader(prepared_file(folder, split, self.array), layout.floats, column=True)

    def __str__(self) -> str:
        return self.about
