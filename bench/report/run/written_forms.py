"""What the networks of a table have written, in each form: page, Markdown and terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text

from bench.analysis.results import ResultTable
from bench.analysis.written_texts import Version, WrittenTexts, bleu_by_cell, written_texts
from bench.core.record import Cell
from bench.records.snapshot import Snapshot
from bench.report.common import markdown
from bench.report.common.text import capitalized, labels
from bench.report.common.ties import listed
from bench.system.plain_text import plain

# Stands for a text that ends where another goes on.
_END = "(ends here)"


@dataclass(frozen=True, kw_only=True)
class ShownVersion:
    """A text, by the `names` of those that wrote it.

    `rest` begins where it parts from the first version, after `shared`; None in the first. `title`
    has the names and, for a form without marks, says where the rest begins.
    """

    names: str
    title: str
    shared: str
    rest: str | None


@dataclass(frozen=True, kw_only=True)
class ShownTexts:
    """What was given, how far the versions of what was written agree, and the versions.

    `expected` is what a person wrote; empty if nobody did.
    """

    given: str
    expected: str
    agreement: str
    versions: tuple[ShownVersion, ...]


@dataclass(frozen=True, kw_only=True)
class WrittenPart:
    """What the networks of a table have written; `about` says from what, and how.

    `score` says how near it is to what people wrote; empty if they wrote nothing.
    """

    about: str
    score: str
    texts: tuple[ShownTexts, ...]

    heading: ClassVar[str] = "What the networks write"
    human: ClassVar[str] = "A person wrote"

    @staticmethod
    def of(table: ResultTable, snapshot: Snapshot) -> WrittenPart | None:
        """The part of a table; None if its networks have written nothing."""
        task, texts = snapshot.task(table.task), written_texts(table)
        if not texts:
            return None
        names = labels([summary.cell for summary in table.ok], snapshot.framework_title)
        about = dict(task.definition).get("sample", "") if task else ""
        return WrittenPart(
            about=f"{capitalized(about)}." if about else "",
            score=_score(table, names, shown=len(texts)),
            texts=tuple(_shown(each, names) for each in texts),
        )

    def to_markdown(self) -> Iterator[str]:
        """The blocks of a section: of all versions but the first, only the rest."""
        yield f"### {self.heading}"
        if self.about:
            yield markdown.escaped(self.about)
        if self.score:
            yield markdown.escaped(self.score)
        for text in self.texts:
            yield "Given:"
            yield markdown.fenced(text.given, "text")
            if text.expected:
                yield f"{self.human}:"
                yield markdown.fenced(text.expected, "text")
            if text.agreement:
                yield markdown.escaped(text.agreement)
            for version in text.versions:
                yield f"{markdown.escaped(version.title)}:"
                yield markdown.fenced(_without_marks(version), "text")

    def to_terminal(self) -> Iterator[Text]:
        """The same for a terminal."""
        yield Text(self.heading, "bold")
        if self.about:
            yield Text(self.about, "dim")
        if self.score:
            yield Text(self.score)
        for text in self.texts:
            yield Text(text.given, "dim")
            if text.expected:
                yield Text(f"{self.human}: {text.expected}", "dim")
            if text.agreement:
                yield Text(text.agreement, "bold")
            for version in text.versions:
                yield Text(f"{version.title}:", "bold")
                yield Text(_without_marks(version))


def _without_marks(version: ShownVersion) -> str:
    """All of the first version, and the rest of another."""
    return version.shared if version.rest is None else version.rest


def _score(table: ResultTable, names: dict[Cell, str], *, shown: int) -> str:
    """The BLEU of all cells that have one, the best first."""
    scores = sorted(bleu_by_cell(table).items(), key=lambda item: -item[1])
    if not scores:
        return ""
    each = ", ".join(f"{names[cell]} {score:.1f}" for cell, score in scores)
    return (
        f"BLEU of the translations, against those of people (sacrebleu, whole sentences, lower "
        f"case, words split as in training): {each}. The first {shown} are shown."
    )


def _shown(texts: WrittenTexts, names: dict[Cell, str]) -> ShownTexts:
    return ShownTexts(
        given=plain(texts.given, keep="\n"),
        expected=plain(texts.expected or "", keep="\n"),
        agreement=_agreement(texts),
        versions=tuple(
            _shown_version(version, names, first=not number)
            for number, version in enumerate(texts.versions)
        ),
    )


def _shown_version(version: Version, names: dict[Cell, str], *, first: bool) -> ShownVersion:
    shared, rest = version.text[: version.agreed], version.text[version.agreed :]
    who = listed([names[cell] for cell in version.cells])
    return ShownVersion(
        names=who,
        title=who if first else f"{who}, from character {version.agreed + 1} on",
        shared=plain(shared, keep="\n"),
        rest=None if first else plain(rest, keep="\n") or _END,
    )


def _agreement(texts: WrittenTexts) -> str:
    """How far all versions agree; empty if there is one alone to compare."""
    count = sum(len(version.cells) for version in texts.versions)
    if count == 1:
        return ""
    if len(texts.versions) == 1:
        return f"The same text from all {count}."
    if not texts.agreed:
        return f"The {count} differ from the first character on."
    return f"The same in all {count} up to character {texts.agreed}."
