"""Samples: texts and pictures that a trained network makes, for people to look at.

A sample needs no more of a framework than the outputs of its network. It asks for them in batches
of one shape, so that a framework that compiles does so once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.fields import Field, prepared_file
from bench.core.measurement import Passage
from bench.core.metrics import read_letters, spoken_letters
from bench.core.pictures import Mark, Picture, as_bytes, sheet
from bench.core.readers import BatchFormat

Outputs = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""The outputs of a network in evaluation mode, by name: for its inputs by field, (N, ...) each.

For no inputs, those of the first test example.
"""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a network has made: texts, and pictures of which each has another title."""

    passages: tuple[Passage, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sample(ABC):
    """What a network writes from some of a task's test data."""

    def weights(self, trained: Mapping[str, Array]) -> dict[str, Array]:
        """The weights with which it is written, by those that were trained: these, if not said."""
        return dict(trained)

    @abstractmethod
    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        """What the network writes; `fields` are the task's, and `folder` has its prepared data."""

    @abstractmethod
    def __str__(self) -> str:
        """What is given and what is written, in words."""


@dataclass(frozen=True, kw_only=True)
class Continuation(Sample):
    """The test text's first `prompt` characters, continued by the likeliest next one, repeatedly.

    It is for a causal network that predicts the character after each of those in `field`. As long
    as there are fewer of them than the network reads, the rest is 0, of which the outputs at the
    last character know nothing. After that, the network reads the latest.

    The prepared folder has `alphabet`, uint8 (K,): the code of the character for each id.
    """

    prompt: int
    characters: int
    field: str = "characters"
    output: str = "logits"

    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        field = fields[self.field]
        (steps,) = field.shape
        ids: list[int] = prepared_file(folder, "test", field.array)[: self.prompt].tolist()
        for _ in range(self.characters):
            seen = ids[-steps:]
            inputs = np.zeros((1, steps), np.int64)
            inputs[0, : len(seen)] = seen
            logits = outputs({self.field: inputs})[self.output]  # (1, T, K)
            ids.append(int(logits[0, len(seen) - 1].argmax()))
        alphabet = np.load(folder / "alphabet.npy", allow_pickle=False).tolist()
        text = "".join(chr(alphabet[number]) for number in ids)
        passage = Passage(given=text[: self.prompt], written=text[self.prompt :])
        return Written(passages=(passage,))

    def __str__(self) -> str:
        return (
            f"the first {self.prompt} characters of the test text, continued by {self.characters} "
            "others, each of which is the one with the largest logit"
        )


@dataclass(frozen=True, kw_only=True)
class Translation(Sample):
    """Sentences of the test set, translated word by word: each word has the largest logit.

    They are the first `sentences`, or all if there are fewer, in batches of so many `together`. It
    is for a network that reads `source`, and in `previous` what it has written so far, and that
    gives the logits of the token after each of these. A translation ends with the `end` mark, or
    when there is no more room.

    The prepared folder has `vocabulary_LANGUAGE.txt`: a word in each line, by its id less `words`;
    and `test_LANGUAGE.txt`: the words of each sentence in a line.
    """

    sentences: int
    languages: tuple[str, str]
    together: int = 50
    source: str = "source"
    previous: str = "previous"
    output: str = "logits"
    start: int = 2
    end: int = 3
    words: int = 4

    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        (steps,) = fields[self.previous].shape
        people = (folder / f"test_{self.languages[1]}.txt").read_text(encoding="utf-8").splitlines()
        count = min(self.sentences, len(people))
        # Whole batches, as all have one shape: what is too much is translated for nothing.
        wanted = np.arange(-(-count // self.together) * self.together) % count
        source = fields[self.source].reader(folder, "test", BatchFormat()).rows(wanted)
        written = np.concatenate(
            [
                self._translated(outputs, source[first : first + self.together], steps)
                for first in range(0, len(wanted), self.together)
            ]
        )
        texts = (
            self._texts(ids[:count], folder, language)
            for ids, language in zip((source, written), self.languages, strict=True)
        )
        return Written(
            passages=tuple(
                Passage(given=given, written=own, expected=expected)
                for given, own, expected in zip(*texts, people[:count], strict=True)
            )
        )

    def _translated(self, outputs: Outputs, source: Array, steps: int) -> Array:
        """The ids that the network writes, (N, steps), from those of the source, (N, S)."""
        written = np.zeros((len(source), steps + 1), np.int64)
        written[:, 0] = self.start
        for step in range(steps):
            batch = {self.source: source, self.previous: written[:, :steps].copy()}
            logits = outputs(batch)[self.output]  # (N, T, K)
            written[:, step + 1] = logits[:, step].argmax(axis=-1)
        return written[:, 1:]

    def _texts(self, ids: Array, folder: Path, language: str) -> list[str]:
        """Rows of ids as texts, (N, T): without padding, and up to the end mark."""
        text = (folder / f"vocabulary_{language}.txt").read_text(encoding="utf-8")
        names = dict(enumerate(text.splitlines(), start=self.words))
        found = []
        for row in ids.tolist():
            tokens = row[: row.index(self.end)] if self.end in row else row
            found.append(" ".join(names.get(number, "?") for number in tokens if number != 0))
        return found

    def __str__(self) -> str:
        return (
            f"up to {self.sentences:,} sentences of the test set, translated word by word; each "
            "word is the one with the largest logit, and ? is one outside the vocabulary"
        )


@dataclass(frozen=True, kw_only=True)
class Transcription(Sample):
    """The first `recordings` of the test set, spelt as a network reads them that CTC has trained.

    The first of them is drawn as well, with each letter below the frame in which it is read.

    The prepared folder has `alphabet`, uint8 (K,): the code of the character for each letter's
    number; 0 is the blank. And `test_peaks`, int16 (frames, 2): the lowest and the highest sample
    of sound in each frame of the test set.
    """

    recordings: int
    frames: str = "frames"
    letters: str = "letters"
    count: str = "count"
    output: str = "logits"

    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        readers = {
            name: fields[name].reader(folder, "test", BatchFormat())
            for name in (self.frames, self.letters, self.count)
        }
        wanted = np.arange(min(self.recordings, len(readers[self.frames])))
        batch = {name: reader.rows(wanted) for name, reader in readers.items()}
        logits = outputs({self.frames: batch[self.frames]})[self.output]  # (N, T, K)
        alphabet = np.load(folder / "alphabet.npy", allow_pickle=False).tolist()

        def text(numbers: Sequence[int]) -> str:
            return "".join(chr(alphabet[number]) for number in numbers if number)

        said = [text(row) for row in batch[self.letters].tolist()]
        read = [text(row) for row in read_letters(logits, batch[self.count])]
        passages = tuple(
            Passage(given=f"somebody says: {one}", written=other)
            for one, other in zip(said, read, strict=True)
        )
        # The frames of the first recording are the first frames.
        count = int(batch[self.count][0])
        peaks = prepared_file(folder, "test", "peaks")[:count]
        marks = tuple(
            Mark(text=text([letter]), place=(frame + 0.5) / count)
            for frame, letter in spoken_letters(logits[0, :count])
        )
        title = f"The sound of “{said[0]}”, and the frame in which each letter is read"
        drawn = Picture(title=title, pixels=_waveform(peaks), marks=marks)
        return Written(passages=passages, pictures=(drawn,))

    def __str__(self) -> str:
        return (
            f"the first {self.recordings} recordings of the test set, spelt: the largest logit of "
            "each frame, once where it is the same in consecutive frames, without blanks"
        )


# Of a waveform: pixels a frame, and height.
_FRAME_WIDTH, _WAVE_HEIGHT = 5, 96
_INK, _PAPER = 60, 255


def _waveform(peaks: Array) -> Array:
    """A waveform, gray: from the lowest to the highest sample of each frame, (T, 2) -> (H, W)."""
    middle = (_WAVE_HEIGHT - 1) / 2
    loudest = max(1, int(np.abs(peaks.astype(np.int64)).max()))
    low, high = (peaks.astype(np.float64) / loudest * middle).T
    heights = middle - np.arange(_WAVE_HEIGHT)[:, None]  # upwards from the middle
    is_ink = (heights >= low - 0.5) & (heights <= high + 0.5)
    return np.repeat(np.where(is_ink, _INK, _PAPER).astype(np.uint8), _FRAME_WIDTH, axis=1)


@dataclass(frozen=True, kw_only=True)
class SampleSheet(Sample):
    """A sheet of images that a network makes of the test set's first noise, in rows of `columns`.

    `output` has their pixels, (N, H * W) for images of `size`: values of which `black` is black
    and `white` white, or logits. The layers that are `silenced` get weights and biases of 0: an
    autoencoder whose code then has a mean and a log variance of 0 decodes noise alone.
    """

    images: int
    columns: int
    size: tuple[int, int]
    output: str
    are_logits: bool = False
    black: float = 0.0
    white: float = 1.0
    silenced: tuple[str, ...] = ()

    def weights(self, trained: Mapping[str, Array]) -> dict[str, Array]:
        return {
            name: np.zeros_like(weight) if name.rpartition(".")[0] in self.silenced else weight
            for name, weight in trained.items()
        }

    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        readers = {
            name: field.reader(folder, "test", BatchFormat())
            for name, field in fields.items()
            if not field.target
        }
        count = min(self.images, *(len(reader) for reader in readers.values()))
        batch = {name: reader.rows(np.arange(count)) for name, reader in readers.items()}
        values = np.asarray(outputs(batch)[self.output], np.float64)
        if self.are_logits:
            values = (1 + np.tanh(values / 2)) / 2  # the logistic function, which cannot overflow
        else:
            values = (values - self.black) / (self.white - self.black)
        images = as_bytes(values).reshape(count, *self.size)
        drawn = Picture(title="Images made of noise", pixels=sheet(images, columns=self.columns))
        return Written(pictures=(drawn,))

    def __str__(self) -> str:
        return (
            f"{self.images} images that the network makes of noise, the same noise in every "
            "framework"
        )
