"""What trained networks have written: which wrote the same, and where the others part from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from bench.analysis.bleu import bleu
from bench.analysis.processes import Process, first_made
from bench.analysis.results import ResultTable
from bench.core.grouping import grouped
from bench.core.measurement import Passage
from bench.core.record import Cell

# Of a sample, so many texts are compared: more than these are for a score, and not to be looked at.
COMPARED = 10


@dataclass(frozen=True, kw_only=True)
class Version:
    """A text that one or more cells have written.

    Its first `agreed` characters are those of the version that most cells have written; of that
    one, they are all.
    """

    cells: tuple[Cell, ...]
    text: str
    agreed: int


@dataclass(frozen=True, kw_only=True)
class WrittenTexts:
    """What cells have written from one `given` text, and what a person has, if anybody did.

    `versions` begin with the one of most cells, or of the fastest where several have as many. All
    of them have their first `agreed` characters in common.
    """

    given: str
    expected: str | None
    versions: tuple[Version, ...]
    agreed: int

    @staticmethod
    def of(
        given: str, texts: Iterable[tuple[Cell, str]], expected: str | None = None
    ) -> WrittenTexts:
        """What each cell has written; the fastest cell comes first."""
        by_text = grouped(texts, lambda one: one[1])
        order = sorted(by_text, key=lambda text: -len(by_text[text]))
        return WrittenTexts(
            given=given,
            expected=expected,
            versions=tuple(
                Version(
                    cells=tuple(cell for cell, _ in by_text[text]),
                    text=text,
                    agreed=_agreed([order[0], text]),
                )
                for text in order
            ),
            agreed=_agreed(order),
        )


def written_texts(table: ResultTable) -> list[WrittenTexts]:
    """What the cells of a table that are ok have written, for each of the first given texts."""
    passages = [
        ((number, passage.given, passage.expected), (summary.cell, passage.written))
        for summary in table.ok
        for number, passage in enumerate(_sample(table.by_cell[summary.cell])[:COMPARED])
    ]
    by_given = grouped(passages, lambda passage: passage[0])
    return [
        WrittenTexts.of(given, [written for _, written in found], expected)
        for (_, given, expected), found in sorted(by_given.items(), key=lambda item: item[0][0])
    ]


def bleu_by_cell(table: ResultTable) -> dict[Cell, float]:
    """The BLEU of those cells of a table that are ok and have translated what people have."""
    scores = ((each.cell, bleu(_sample(table.by_cell[each.cell]))) for each in table.ok)
    return {cell: score for cell, score in scores if score is not None}


def _agreed(texts: Sequence[str]) -> int:
    """How many characters all texts begin with."""
    columns = zip(*texts, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _sample(processes: Iterable[Process]) -> tuple[Passage, ...]:
    return first_made(processes, lambda measured: measured.sample)
