"""Fields of a sentence that a network writes word by word: see `bench.core.fields`.

Of a sentence between two marks, START, words, END, one field is what the network has read before
each step, and another what comes next. So it learns each word from the right words before it, as
Williams and Zipser (1989) teach ("teacher forcing").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from bench.core.dataset_info import SplitName
from bench.core.fields import Field, prepared_file
from bench.core.readers import BatchFormat, MarkedTokenReader, Reader


@dataclass(frozen=True, kw_only=True)
class PreviousTokens(Field):
    """The token before each step of a sentence, (steps,) per example: `start`, then its words.

    0 pads at the back, and 1 is a word outside the vocabulary. Prepared as for `Tokens`, without
    the marks. As many steps are padded as in `NextTokens`.
    """

    array: str = "tokens"
    offsets: str = "offsets"
    steps: int
    vocabulary: int
    start: int = 2
    end: int = 3

    # By how many tokens what it holds is ahead of where the sentence begins.
    ahead: ClassVar[int] = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps,)

    @property
    def length(self) -> int | None:
        return self.steps

    def with_length(self, length: int) -> PreviousTokens:
        return replace(self, steps=length)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return MarkedTokenReader(
            prepared_file(folder, split, self.array),
            prepared_file(folder, split, self.offsets),
            marks=(self.start, self.end),
            ahead=self.ahead,
            length=self.steps,
            vocabulary=self.vocabulary,
            dtype=layout.labels if self.target else layout.tokens,
        )

    def __str__(self) -> str:
        return (
            f"the {self.steps} token ids before each of those to predict, from a vocabulary of "
            f"{self.vocabulary:,}; {self.start} begins a sentence, 0 pads at the back"
        )


@dataclass(frozen=True, kw_only=True)
class NextTokens(PreviousTokens):
    """The token at each step: the sentence's words, then `end`. What is to be predicted."""

    ahead = 1
    target = True

    def __str__(self) -> str:
        return f"the token after each of the {self.steps}; {self.end} ends a sentence"
