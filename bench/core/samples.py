"""Samples: texts that a trained network writes, for people to look at.

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
from bench.core.metrics import read_letters
from bench.core.readers import BatchFormat

Outputs = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""The outputs of a network in evaluation mode, by name: for its inputs by field, (N, ...) each."""


@dataclass(frozen=True, kw_only=True)
class Sample(ABC):
    """What a network writes from some of a task's test data."""

    @abstractmethod
    def write(
        self, outputs: Outputs, fields: Mapping[str, Field], folder: Path
    ) -> tuple[Passage, ...]:
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

    def write(
        self, outputs: Outputs, fields: Mapping[str, Field], folder: Path
    ) -> tuple[Passage, ...]:
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
        return (Passage(given=text[: self.prompt], written=text[self.prompt :]),)

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

    def write(
        self, outputs: Outputs, fields: Mapping[str, Field], folder: Path
    ) -> tuple[Passage, ...]:
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
        return tuple(
            Passage(given=given, written=own, expected=expected)
            for given, own, expected in zip(*texts, people[:count], strict=True)
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

    The prepared folder has `alphabet`, uint8 (K,): the code of the character for each letter's
    number; 0 is the blank.
    """

    recordings: int
    frames: str = "frames"
    letters: str = "letters"
    count: str = "count"
    output: str = "logits"

    def write(
        self, outputs: Outputs, fields: Mapping[str, Field], folder: Path
    ) -> tuple[Passage, ...]:
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
        return tuple(
            Passage(given=f"somebody says: {one}", written=other)
            for one, other in zip(said, read, strict=True)
        )

    def __str__(self) -> str:
        return (
            f"the first {self.recordings} recordings of the test set, spelt: the largest logit of "
            "each frame, once where it is the same in consecutive frames, without blanks"
        )
