"""A task beside its models, as people and programs read it: terminal, Markdown, JSON, HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pygments.lexers import DiffLexer
from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bench import tasks
from bench.records.definition import about
from bench.report.common import markdown, programs
from bench.report.common.task_fragment import (
    PARAMETER_HEADINGS,
    TitledModel,
    highlighted,
    style,
)
from bench.report.common.task_fragment import to_html as fragment_to_html
from bench.report.common.templating import environment
from bench.report.task.task_listing import ModelDiff, TaskListing

TASK_HEADINGS = ("task", "what it is")
NEXT = "framebench show TASK shows its definition, and its model in every framework"
# A theme of the terminal's own colours, so that code is readable on light and dark backgrounds.
_THEME = "ansi_dark"
# Columns between models side by side.
_GAP = 3


def _lines_text(model: TitledModel) -> str:
    return f"{model.source.lines_of_code} lines of code"


def _width(model: TitledModel) -> int:
    return max(len(line) for line in (model.source.path, *model.source.text.splitlines()))


def _side_by_side(models: Sequence[TitledModel], width: int) -> Iterator[list[TitledModel]]:
    """The models in rows, each with as many as fit into `width` columns."""
    row: list[TitledModel] = []
    for model in models:
        if row and sum(_width(placed) + _GAP for placed in row) + _width(model) > width:
            yield row
            row = []
        row.append(model)
    if row:
        yield row


def _code(text: str, language: str) -> Syntax:
    return Syntax(text.rstrip(), language, theme=_THEME, background_color="default", word_wrap=True)


def to_terminal(listing: TaskListing, *, width: int) -> Group:
    """The definition, then the models, side by side as far as `width` columns allow."""
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
            overflow="fold",
        )
    for row in listing.tensors:
        tensors.add_row(*row)
    title = Text(f"{listing.task.name}: {listing.about}", "bold")
    parts: list[RenderableType] = [title, words, Text(), tensors, Text()]
    for models in _side_by_side(listing.models, width):
        grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
        for _ in models:
            grid.add_column()
        grid.add_row(*(Text(f"{model.title}, {_lines_text(model)}", "bold") for model in models))
        grid.add_row(*(Text(model.source.path, "dim") for model in models))
        grid.add_row(*(_code(model.source.text, "python") for model in models))
        parts += [grid, Text()]
    parts += [Text(f"{framework} has no model of it", "yellow") for framework in listing.missing]
    return Group(*parts)


def diff_summary(diff: ModelDiff) -> str:
    """How many lines two models share, in words."""
    old, new = (
        f"{model.title} ({len(model.source.text.splitlines())} lines)"
        for model in (diff.old, diff.new)
    )
    return f"{diff.task.name}: {old} and {new} have {diff.shared_lines} lines in common"


def diff_to_terminal(diff: ModelDiff) -> Group:
    """The unified diff, coloured."""
    return Group(_code(diff.text, "diff"), Text(diff_summary(diff), "dim"))


def tasks_to_terminal() -> Group:
    """One line for each task, and what to do next."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name in tasks.names():
        grid.add_row(name, about(name))
    return Group(grid, Text(), Text(NEXT, "dim"))


def to_markdown(listing: TaskListing) -> str:
    """The definition as a list and a table, then a block of code for each framework."""
    parts = [
        f"# {markdown.escaped(f'{listing.task.name}: {listing.about}')}",
        markdown.items(f"{name}: {text}" for name, text in listing.definition.items()),
        markdown.table(PARAMETER_HEADINGS, listing.tensors),
    ]
    for model in listing.models:
        parts.append(f"## {markdown.escaped(model.title)}")
        parts.append(f"{markdown.code(model.source.path)}, {_lines_text(model)}")
        parts.append(markdown.fenced(model.source.text, "python"))
    parts += [f"{markdown.escaped(framework)} has no model of it." for framework in listing.missing]
    return "\n\n".join(parts) + "\n"


def diff_to_markdown(diff: ModelDiff) -> str:
    """The unified diff as a block of code."""
    block = markdown.fenced(diff.text, "diff")
    return f"{markdown.escaped(diff_summary(diff))}\n\n{block}\n"


def tasks_to_markdown() -> str:
    """One row for each task."""
    rows = [(markdown.code(name), about(name)) for name in tasks.names()]
    return markdown.table(TASK_HEADINGS, rows) + "\n"


def _model_fields(model: TitledModel) -> dict[str, Any]:
    source = model.source
    return {
        "framework": model.framework,
        "title": model.title,
        "path": source.path,
        "text": source.text,
        "lines_of_code": source.lines_of_code,
    }


def to_json(listing: TaskListing) -> str:
    """The task's definition, as values and in words, and the text of each model."""
    fields = {
        "task": asdict(listing.task),
        "about": listing.about,
        "definition": listing.definition,
        "parameters": [dict(zip(PARAMETER_HEADINGS, row, strict=True)) for row in listing.tensors],
        "sources": [_model_fields(model) for model in listing.models],
        "missing": listing.missing,
    }
    return programs.to_json(fields)


def diff_to_json(diff: ModelDiff) -> str:
    """The unified diff as text."""
    fields = {
        "task": diff.task.name,
        "old": _model_fields(diff.old),
        "new": _model_fields(diff.new),
        "shared_lines": diff.shared_lines,
        "diff": diff.text,
    }
    return programs.to_json(fields)


def tasks_to_json() -> str:
    """The name and the description of every task."""
    return programs.to_json([{"name": name, "about": about(name)} for name in tasks.names()])


def to_html(listings: Sequence[TaskListing]) -> str:
    """One self-contained page with one task or several."""
    return _page(
        title=listings[0].task.name if len(listings) == 1 else "tasks",
        listings=listings,
        fragments=[fragment_to_html(listing.fragment) for listing in listings],
    )


def diff_to_html(diff: ModelDiff) -> str:
    """One self-contained page with the unified diff."""
    return _page(
        title=f"{diff.task.name}: {diff.old.title} to {diff.new.title}",
        diff={"code": highlighted(diff.text, DiffLexer()), "line": diff_summary(diff)},
    )


def _page(**context: Any) -> str:
    template = environment().get_template("listing.html.j2")
    return template.render(
        **{"listings": (), "fragments": (), "diff": None, "style": style(), **context}
    )
