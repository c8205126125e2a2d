"""The one way to write texts from elsewhere into Markdown: escaped, so that they are only shown.

What is Markdown already has the class `Markdown`, and is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from bench.system.plain_text import plain

# Code, emphasis, links, pictures, tags, cells of tables, and the escape itself.
_ACTING = re.compile(r"[\\`*\[\]|]|<(?=[A-Za-z/!?])|~~|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
# What makes a heading, a quote, a list, a rule or a fence of the line that begins with it.
_LEADING = re.compile(r"(?:#{1,6}|>|[-+]|=+|-+)(?=\s|$|>)|>|~{3}")
_NUMBERED = re.compile(r"(\d+)([.)])(?=\s|$)")
# White space other than spaces, such as the ends of lines.
_ENDS = re.compile(r"[^\S ]+")


class Markdown(str):
    """A text that is Markdown."""

    __slots__ = ()


def escaped(text: str) -> Markdown:
    """The text in one line of Markdown, which shows it as it is."""
    if isinstance(text, Markdown):
        return text
    line = _ACTING.sub(r"\\\g<0>", _in_a_line(text))
    if _LEADING.match(line):
        line = f"\\{line}"
    return Markdown(_NUMBERED.sub(r"\1\\\2", line) if _NUMBERED.match(line) else line)


def _in_a_line(text: str) -> str:
    return plain(_ENDS.sub(" ", text).strip())


def code(text: str) -> Markdown:
    """The text as code within a line."""
    line = _in_a_line(text).replace("|", r"\|")
    ticks = "`" * (_longest_run("`", line) + 1)
    space = " " * (len(ticks) > 1)
    return Markdown(f"{ticks}{space}{line}{space}{ticks}")


def strong(text: str) -> Markdown:
    """The text in bold."""
    return Markdown(f"**{escaped(text)}**")


def fenced(text: str, language: str) -> Markdown:
    """The text as a block of code."""
    ticks = "`" * max(3, _longest_run("`", text) + 1)
    end = "" if text.endswith("\n") else "\n"
    return Markdown(f"{ticks}{language}\n{text}{end}{ticks}")


def _longest_run(character: str, text: str) -> int:
    return max(map(len, re.findall(f"{re.escape(character)}+", text)), default=0)


def items(lines: Iterable[str]) -> Markdown:
    """A list of these lines."""
    return Markdown("\n".join(f"- {escaped(line)}" for line in lines))


def table(
    headings: Iterable[str], rows: Iterable[Sequence[str]], *, words: int | None = None
) -> Markdown:
    """A table whose first `words` columns hold words, and whose others hold figures.

    If `words` is None, no column is aligned.
    """
    texts = [[*map(escaped, headings)], *([*map(escaped, row)] for row in rows)]
    alignment = None
    if words is not None:
        alignment = ["left" if index < words else "right" for index in range(len(texts[0]))]
    return Markdown(
        tabulate(texts[1:], texts[0], tablefmt="github", colalign=alignment, disable_numparse=True)
    )
