"""A task beside its models, in each form: terminal, Markdown, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from markupsafe import Markup
from pygments.lexers import DiffLexer
from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from bench import tasks
from bench.records.definition import about, parameter_words
from bench.records.snapshot import ModelSource
from bench.report.common.task_fragment import (
    PARAMETER_HEADINGS,
    TaskFragment,
    TitledModel,
    highlighted,
    style,
)
from bench.report.common.task_fragment import to_html as fragment_to_html
from bench.report.common.templating import environment
from bench.report.task.task_listing import Difference, Listing, Source

TASK_HEADINGS = ("task", "what it is")
GO_ON = "framebench show TASK shows the definition, and the model in every framework"
# Terminals know these names for themselves, so that code can be read on a light ground and a dark.
_THEME = "ansi_dark"
# Between models side by side.
_GAP = 3


def _lines_text(source: Source) -> str:
    return f"{source.lines_of_code} lines of code"


def _width(source: Source) -> int:
    return max(len(line) for line in (source.path, *source.text.splitlines()))


def _side_by_side(sources: Sequence[Source], width: int) -> Iterator[list[Source]]:
    """As many in a row as there is room for, in their order."""
    row: list[Source] = []
    for source in sources:
        if row and sum(_width(one) + _GAP for one in row) + _width(source) > width:
            yield row
            row = []
        row.append(source)
    if row:
        yield row


def _code(text: str, language: str) -> Syntax:
    return Syntax(text.rstrip(), language, theme=_THEME, background_color="default", word_wrap=True)


def to_terminal(listing: Listing, *, width: int) -> Group:
    """The definition, then the models: side by side where they fit into so many columns."""
    words = Table.grid(padding=(0, 2))
    words.add_column(style="bold", no_wrap=True)
    words.add_column()
    for name, text in listing.definition.items():
        words.add_row(name, text)
    tensors = Table(pad_edge=False, box=None, padding=(0, 2, 0, 0))
    for heading in PARAMETER_HEADINGS:
        tensors.add_column(
            heading,
            justify="right" if heading == "values" else "left",
            no_wrap=heading in ("tensor", "shape", "values"),
        )
    for parameter in listing.task.parameters:
        tensors.add_row(*parameter_words(parameter))
    parts: list[RenderableType] = [
        Text(f"{listing.task.name}: {listing.about}", "bold"),
        words,
        Text(),
        tensors,
        Text(),
    ]
    for row in _side_by_side(listing.sources, width):
        grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
        for _ in row:
            grid.add_column()
        grid.add_row(*(Text(f"{one.title}, {_lines_text(one)}", "bold") for one in row))
        grid.add_row(*(Text(one.path, "dim") for one in row))
        grid.add_row(*(_code(one.text, "python") for one in row))
        parts += [grid, Text()]
    parts += [Text(f"no model of it in {title}", "yellow") for title in listing.missing]
    return Group(*parts)


def difference_line(found: Difference) -> str:
    """How alike two models are, in words."""
    old, new = (len(source.text.splitlines()) for source in (found.old, found.new))
    return (
        f"{found.task.name}: {found.old.title} ({old} lines) and {found.new.title} ({new} lines) "
        f"have {found.shared_lines} lines in common"
    )


def difference_to_terminal(found: Difference) -> Group:
    """The unified diff, coloured."""
    return Group(_code(found.text, "diff"), Text(difference_line(found), "dim"))


def tasks_to_terminal() -> Group:
    """Every task in a line, and how to go on."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name in tasks.names():
        grid.add_row(name, about(name))
    return Group(grid, Text(), Text(GO_ON, "dim"))


def _escaped(cells: Sequence[str]) -> list[str]:
    return [cell.replace("*", r"\*") for cell in cells]


def to_markdown(listing: Listing) -> str:
    """The definition as a list and a table, then a block of code a framework."""
    parts = [f"# {listing.task.name}: {listing.about}"]
    parts.append(
        "\n".join(
            f"- {name}: {text}".replace("*", r"\*").replace("<-", r"\<-")
            for name, text in listing.definition.items()
        )
    )
    rows = [_escaped(parameter_words(one)) for one in listing.task.parameters]
    parts.append(tabulate(rows, PARAMETER_HEADINGS, tablefmt="github", disable_numparse=True))
    for source in listing.sources:
        parts.append(f"## {source.title}\n\n`{source.path}`, {_lines_text(source)}")
        parts.append(f"```python\n{source.text}```")
    parts += [f"No model of it in {title}." for title in listing.missing]
    return "\n\n".join(parts) + "\n"


def difference_to_markdown(found: Difference) -> str:
    """The unified diff as a block of code."""
    return f"{difference_line(found)}\n\n```diff\n{found.text}```\n"


def tasks_to_markdown() -> str:
    """Every task in a row."""
    rows = [(f"`{name}`", about(name)) for name in tasks.names()]
    return tabulate(rows, TASK_HEADINGS, tablefmt="github") + "\n"


def _source_fields(source: Source) -> dict[str, Any]:
    return {**asdict(source), "lines_of_code": source.lines_of_code}


def to_json(listing: Listing) -> str:
    """The task as its definition has it, in words, and each model's text."""
    tensors = [
        dict(zip(PARAMETER_HEADINGS, parameter_words(one), strict=True))
        for one in listing.task.parameters
    ]
    found = {
        "task": asdict(listing.task),
        "about": listing.about,
        "definition": listing.definition,
        "parameters": tensors,
        "sources": [_source_fields(source) for source in listing.sources],
        "missing": listing.missing,
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def difference_to_json(found: Difference) -> str:
    """The unified diff as text."""
    fields = {
        "task": found.task.name,
        "old": _source_fields(found.old),
        "new": _source_fields(found.new),
        "shared_lines": found.shared_lines,
        "diff": found.text,
    }
    return json.dumps(fields, indent=2, ensure_ascii=False)


def tasks_to_json() -> str:
    """Every task's name and line."""
    return json.dumps([{"name": name, "about": about(name)} for name in tasks.names()], indent=2)


def to_fragment(listing: Listing, *, level: int = 3) -> Markup:
    """The definition and models as HTML, to be included in a page that has `style()`."""
    return fragment_to_html(
        TaskFragment(
            name=listing.task.name,
            definition=tuple(listing.definition.items()),
            tensors=[parameter_words(parameter) for parameter in listing.task.parameters],
            models=[
                TitledModel(
                    title=source.title,
                    source=ModelSource(
                        network=listing.task.network,
                        path=source.path,
                        text=source.text,
                        lines_of_code=source.lines_of_code,
                    ),
                )
                for source in listing.sources
            ],
            missing=listing.missing,
        ),
        level=level,
    )


def to_html(listings: Sequence[Listing]) -> str:
    """One self-contained page with one task or several."""
    (title,) = [one.task.name for one in listings] if len(listings) == 1 else ["tasks"]
    return (
        environment()
        .get_template("listing.html.j2")
        .render(
            title=title,
            listings=listings,
            fragments=[to_fragment(one) for one in listings],
            style=style(),
            diff=None,
        )
    )


def difference_to_html(found: Difference) -> str:
    """One self-contained page with the unified diff."""
    return (
        environment()
        .get_template("listing.html.j2")
        .render(
            title=f"{found.task.name}: {found.old.title} to {found.new.title}",
            listings=[],
            fragments=[],
            style=style(),
            diff={"code": highlighted(found.text, DiffLexer()), "line": difference_line(found)},
        )
    )
