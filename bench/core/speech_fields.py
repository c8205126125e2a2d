"""Fields of a recording and of what is said in it: see `bench.core.fields`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.fields import SHORT_EVERY, Field, prepared_file
from bench.core.readers import BatchFormat, CountReader, PaddedReader, Reader


@dataclass(frozen=True, kw_only=True)
class Frames(Field):
    """Features of consecutive short stretches of a recording, (steps, features) per example.

    After the last one there are zeros. Prepared as int16 (T, features), all recordings end to end,
    `scale` times what is read; and as int64 (N + 1,), `offsets`: where each begins, and the end.
    """

    array: str = "frames"
    offsets: str = "frame_offsets"
    steps: int
    features: int
    scale: int = 1000

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps, self.features)

    @property
    def length(self) -> int | None:
        return self.steps

    def with_length(self, length: int) -> Frames:
        return replace(self, steps=length)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return PaddedReader(
            prepared_file(folder, split, self.array),
            prepared_file(folder, split, self.offsets),
            length=self.steps,
            dtype=layout.floats,
            scale=self.scale,
        )

    def __str__(self) -> str:
        return (
            f"{self.steps} frames of {self.features} features, with zeros after the last one of a "
            "recording"
        )


@dataclass(frozen=True, kw_only=True)
class FrameCount(Field):
    """How many frames each recording has, of at most `steps`. Prepared as the `Frames`' offsets.

    No network reads it. A loss looks at no output after the last frame.
    """

    array: str = "frame_offsets"
    steps: int

    target = True

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def with_length(self, length: int) -> FrameCount:
        return replace(self, steps=length)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        offsets = prepared_file(folder, split, self.array)
        return CountReader(offsets, most=self.steps, dtype=layout.labels)

    def shortened(self, array: Array) -> Array:
        # Recordings are longer than the proof's, so that none would end before the others.
        array[::SHORT_EVERY] //= 2
        return array

    def __str__(self) -> str:
        return f"how many of the {self.steps} frames are the recording's"


@dataclass(frozen=True, kw_only=True)
class Letters(Field):
    """What is said, letter by letter, (letters,) per example: from 1, and 0 pads at the back.

    Prepared as uint8 (T,), all texts end to end, and int64 (N + 1,), `offsets`. In recordings that
    are cut to fewer frames there is one letter for so many frames, `each`, at most.
    """

    array: str = "letters"
    offsets: str = "letter_offsets"
    letters: int
    symbols: int
    each: int = 3

    target = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.letters,)

    def with_length(self, length: int) -> Letters:
        return replace(self, letters=min(self.letters, max(1, length // self.each)))

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return PaddedReader(
            prepared_file(folder, split, self.array),
            prepared_file(folder, split, self.offsets),
            length=self.letters,
            dtype=layout.labels,
        )

    def __str__(self) -> str:
        return f"up to {self.letters} letters, of {self.symbols} different ones"
