"""What the networks of a table have written and drawn: in a page, Markdown and a terminal."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text

from bench.analysis.drawn_pictures import DrawnPictures, drawn_pictures
from bench.analysis.results import Results, ResultTable
from bench.analysis.written_texts import Version, WrittenTexts, bleu_by_cell, written_texts
from bench.core.record import Cell
from bench.records.run_folder import PICTURES
from bench.report.common import markdown
from bench.report.common.text import capitalized, labels
from bench.report.common.ties import listed
from bench.system import files
from bench.system.plain_text import one_line, plain

# Stands for a text that ends where another goes on.
_END = "(ends here)"
# Bytes: what is larger is none of a run's pictures.
_LARGEST_PICTURE = 1 << 22


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
class ShownPicture:
    """The picture of the cell that has this name, by its place beside the run's other files."""

    name: str
    place: str
    file: Path

    @property
    def source(self) -> str:
        """The picture itself, for a page that has it within; empty if it cannot be read."""
        with suppress(OSError):
            with files.open_regular(self.file) as stream:
                content = stream.read(_LARGEST_PICTURE)
            return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
        return ""


@dataclass(frozen=True, kw_only=True)
class ShownPictures:
    """The pictures of one title, those of the fastest first."""

    title: str
    pictures: tuple[ShownPicture, ...]


@dataclass(frozen=True, kw_only=True)
class WrittenPart:
    """What the networks of a table have written and drawn; `about` says from what, and how.

    `score` says how near it is to what people wrote; empty if they wrote nothing.
    """

    about: str
    score: str
    texts: tuple[ShownTexts, ...]
    drawings: tuple[ShownPictures, ...]

    human: ClassVar[str] = "A person wrote"

    @staticmethod
    def of(table: ResultTable, results: Results) -> WrittenPart | None:
        """The part of a table; None if its networks have written and drawn nothing."""
        snapshot = results.snapshot
        task, texts, drawn = snapshot.task(table.task), written_texts(table), drawn_pictures(table)
        if not texts and not drawn:
            return None
        names = labels([summary.cell for summary in table.ok], snapshot.framework_title)
        about = dict(task.definition).get("sample", "") if task else ""
        folder = results.run.folder / PICTURES
        return WrittenPart(
            about=f"{capitalized(about)}." if about else "",
            score=_score(table, names, shown=len(texts)),
            texts=tuple(_shown(each, names) for each in texts),
            drawings=tuple(_pictures(each, names, folder) for each in drawn),
        )

    @property
    def heading(self) -> str:
        """What the part is about, by what there is."""
        if not self.drawings:
            return "What the networks write"
        return f"What the networks {'write and draw' if self.texts else 'draw'}"

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
        for drawn in self.drawings:
            yield f"{markdown.escaped(drawn.title)}:"
            for picture in drawn.pictures:
                yield markdown.escaped(picture.name)
                yield f"![{markdown.escaped(picture.name)}]({picture.place})"

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
        for drawn in self.drawings:
            yield Text(f"{drawn.title}:", "bold")
            yield from (Text(f"{picture.name}: {picture.place}") for picture in drawn.pictures)


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


def _pictures(drawn: DrawnPictures, names: dict[Cell, str], folder: Path) -> ShownPictures:
    return ShownPictures(
        title=one_line(drawn.title),
        pictures=tuple(
            ShownPicture(name=names[cell], place=f"{folder.name}/{file}", file=folder / file)
            for cell, file in drawn.files
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
