"""Reading rows of prepared arrays, and laying them out in the format of a framework's users."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.core.arrays import Array


@dataclass(frozen=True, kw_only=True)
class BatchFormat:
    """The format in memory that a framework's users choose for their data.

    The harness lays batches out in this format outside the clock.

    `channels_last` turns (N, C, H, W) into (N, H, W, C). `floats` is the type of pixels and of
    targets, which are (N, 1). `labels` and `tokens` are the integer types of class labels (N,) and
    of tokens (N, length) and other ids (N,).
    """

    channels_last: bool = False
    floats: str = "float32"
    labels: str = "int64"
    tokens: str = "int64"


class Reader(ABC):
    """One field of one split, in one framework's format."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of examples."""

    @abstractmethod
    def rows(self, rows: Array) -> Array:
        """The examples in `rows`, in fresh memory."""

    def window(self, batches: Array) -> list[Array]:
        """The examples of several batches, (batches, batch).

        May reuse the memory of the previous window.
        """
        return [self.rows(rows) for rows in batches]


class ColumnReader(Reader):
    """Values that are read as they are: (N, ...), converted to a type."""

    def __init__(self, values: Array, dtype: str, *, column: bool = False) -> None:
        self._values = values
        self._dtype = dtype
        self._column = column

    def __len__(self) -> int:
        return len(self._values)

    def rows(self, rows: Array) -> Array:
        values = self._values[rows].astype(self._dtype)  # (N,)
        return values[:, None] if self._column else values  # (N, 1)


class PixelReader(Reader):
    """Images, normalized: value = byte * scale + shift, both of them per channel."""

    def __init__(
        self,
        images: Array,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        flat: bool,
        layout: BatchFormat,
    ) -> None:
        """`images` are uint8 (N, C, H, W); `flat` ones are laid out as (N, C*H*W)."""
        self._images = images
        self._flat = flat
        self._floats = layout.floats
        self._channels_last = layout.channels_last and not self._flat
        # Computed in float64 and rounded once.
        scale = (1 / (255 * np.array(std))).astype(np.float32)
        shift = (-np.array(mean) / np.array(std)).astype(np.float32)
        self._computed_as = self._images.shape[1:]
        if self._channels_last:
            # A whole row of pixels at a time, because loops over three channels are slow.
            channels, height, width = self._images.shape[1:]
            self._computed_as = height, width * channels
            self._scale, self._shift = np.tile(scale, width), np.tile(shift, width)
        else:
            self._scale, self._shift = scale[:, None, None], shift[:, None, None]
        self._buffers: list[Array] = []

    def __len__(self) -> int:
        return len(self._images)

    def rows(self, rows: Array) -> Array:
        return self._computed(rows, None)

    def window(self, batches: Array) -> list[Array]:
        """The images of several batches, in the window's buffers."""
        for rows in batches[len(self._buffers) :]:
            self._buffers.append(np.empty((len(rows), *self._computed_as), np.float32))
        return [
            self._computed(rows, buffer)
            for rows, buffer in zip(batches, self._buffers, strict=False)
        ]

    def _computed(self, rows: Array, buffer: Array | None) -> Array:
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


def middle(images: Array, height: int, width: int) -> Array:
    """The middle of each image: (N, C, H, W) -> (N, C, height, width)."""
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


class TokenReader(Reader):
    """Texts as token ids, the last `length` words of each, padded with 0 at the front."""

    def __init__(
        self, tokens: Array, offsets: Array, *, length: int, vocabulary: int, dtype: str
    ) -> None:
        """`tokens` are (T,), all texts end to end; text n is at `offsets` n to n + 1."""
        self._tokens = tokens
        self._offsets = offsets
        self._length = length
        self._vocabulary = vocabulary
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def rows(self, rows: Array) -> Array:
        """The texts in `rows`, (N, length)."""
        starts, stops = self._offsets[rows], self._offsets[rows + 1]
        places = stops[:, None] - self._length + np.arange(self._length)  # (N, length)
        inside = places >= starts[:, None]
        words = self._tokens[np.where(inside, places, 0)]
        words = np.where(words < self._vocabulary, words, 1)
        x: Array = np.where(inside, words, 0).astype(self._dtype)
        return x


class MarkedTokenReader(Reader):
    """Sentences between two marks, `length` tokens each, padded with 0 at the back.

    Of START, words, END it reads all but the last token, or, one `ahead`, all but the first.
    """

    def __init__(
        self,
        tokens: Array,
        offsets: Array,
        *,
        marks: tuple[int, int],
        ahead: int,
        length: int,
        vocabulary: int,
        dtype: str,
    ) -> None:
        """`tokens` are (T,), all sentences end to end; sentence n is at `offsets` n to n + 1."""
        self._tokens = tokens
        self._offsets = offsets
        self._marks = marks
        self._places = np.arange(length) + ahead - 1  # among the words; START is at -1
        self._ahead = ahead
        self._vocabulary = vocabulary
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def rows(self, rows: Array) -> Array:
        """The sentences in `rows`, (N, length)."""
        starts = self._offsets[rows][:, None]
        counts = self._offsets[rows + 1][:, None] - starts  # (N, 1)
        inside = (self._places >= 0) & (self._places < counts)  # (N, length)
        words = self._tokens[np.where(inside, starts + self._places, 0)]
        words = np.where(words < self._vocabulary, words, 1)
        x = np.where(inside, words, 0)
        start, end = self._marks
        x[:, self._places < 0] = start
        if self._ahead:
            x = np.where(self._places == counts, end, x)
        found: Array = x.astype(self._dtype)
        return found


class ExcerptReader(Reader):
    """Excerpts of one text: `length` characters from where each begins, or from `ahead` of it."""

    def __init__(self, text: Array, starts: Array, *, length: int, ahead: int, dtype: str) -> None:
        """`text` is (T,), and `starts` are (N,)."""
        self._text = text
        self._starts = starts
        self._places = ahead + np.arange(length)
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._starts)

    def rows(self, rows: Array) -> Array:
        """The excerpts in `rows`, (N, length)."""
        found: Array = self._text[self._starts[rows][:, None] + self._places].astype(self._dtype)
        return found


class PaddedReader(Reader):
    """Sequences, the first `length` values or rows of each, with zeros after the last one."""

    def __init__(
        self, values: Array, offsets: Array, *, length: int, dtype: str, scale: int = 1
    ) -> None:
        """`values` are (T, ...), all end to end and `scale` times what is read.

        Sequence n is at `offsets` n to n + 1.
        """
        self._values = values
        self._offsets = offsets
        self._length = length
        self._dtype = dtype
        self._scale = scale

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def rows(self, rows: Array) -> Array:
        """The sequences in `rows`, (N, length, ...)."""
        found = np.zeros((len(rows), self._length, *self._values.shape[1:]), self._dtype)
        starts = self._offsets[rows]
        stops = np.minimum(self._offsets[rows + 1], starts + self._length)
        for place, start, stop in zip(found, starts, stops, strict=True):
            place[: stop - start] = self._values[start:stop]
        if self._scale != 1:
            found /= self._scale
        return found


class CountReader(Reader):
    """How many values each sequence has, `most` at most."""

    def __init__(self, offsets: Array, *, most: int, dtype: str) -> None:
        """Sequence n is at `offsets` n to n + 1."""
        self._counts = np.minimum(np.diff(offsets), most).astype(dtype)

    def __len__(self) -> int:
        return len(self._counts)

    def rows(self, rows: Array) -> Array:
        """The counts in `rows`, (N,)."""
        found: Array = self._counts[rows]
        return found


class SparseReader(Reader):
    """One sparse matrix, which is that of every example: structured, (N, entries)."""

    def __init__(self, pairs: Array, values: Array, *, count: int, layout: BatchFormat) -> None:
        """`pairs` are rows and columns, (entries, 2), and `values` float32 (entries,)."""
        kind = [("row", layout.tokens), ("column", layout.tokens), ("value", layout.floats)]
        self._matrix = np.empty(len(values), kind)
        self._matrix["row"], self._matrix["column"] = pairs[:, 0], pairs[:, 1]
        self._matrix["value"] = values
        self._count = count

    def __len__(self) -> int:
        return self._count

    def rows(self, rows: Array) -> Array:
        """The matrix for each of the `rows`: one array, which is not to be written to."""
        found: Array = np.broadcast_to(self._matrix, (len(rows), len(self._matrix)))
        return found
