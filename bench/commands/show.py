"""`framebench show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.core.errors import UsageError
from bench.options import DiffOption, FrameworksOption, JsonOption, TaskArgument, among

if TYPE_CHECKING:
    from rich.console import Group

FORMATS = ("table", "markdown", "html", "json")


def show(
    task: TaskArgument = None,
    framework: FrameworksOption = [],
    diff: DiffOption = None,
    format: Annotated[
        str,
        typer.Option(
            "--format", help="table, markdown, html or json.", autocompletion=among(lambda: FORMATS)
        ),
    ] = "table",
    json: JsonOption = False,
) -> None:
    """Show a task's definition, and its model in every framework, side by side.

    Without a task: every task in a line; as html, a page with them all.

    [bold]Examples[/bold]

      framebench show cifar-cnn                             all frameworks, and the reference

      framebench show imdb-lstm -f pytorch -f mxnet_gluon   two, in this order

      framebench show imdb-lstm --diff pytorch mxnet_gluon  what one writes otherwise

      framebench show --format html > models.html           a page with every task
    """
    form = "json" if json else format
    if form not in FORMATS:
        raise UsageError(f"no format is called {form!r}; there are: {', '.join(FORMATS)}")
    if diff and framework:
        raise UsageError("--diff names its own two frameworks; leave out --framework")
    if diff and task is None:
        raise UsageError("--diff needs a TASK")
    if task is None:
        _print_tasks(form, framework)
    elif diff:
        _print_difference(form, task, *diff)
    else:
        _print_listing(form, task, framework)


def _print_tasks(form: str, frameworks: list[str]) -> None:
    from bench import tasks
    from bench.listing import listing
    from bench.report import listing as report

    every = [listing(name, frameworks) for name in tasks.names()]
    if form == "table":
        _print_group(report.tasks_to_terminal())
    elif form == "html":
        _print_text(report.to_html(every))
    else:
        _print_text(report.tasks_to_json() if form == "json" else report.tasks_to_markdown())


def _print_difference(form: str, task: str, old: str, new: str) -> None:
    from bench.listing import difference
    from bench.report import listing as report

    found = difference(task, old, new)
    if form == "table":
        _print_group(report.difference_to_terminal(found))
        return
    forms = {
        "markdown": report.difference_to_markdown,
        "html": report.difference_to_html,
        "json": report.difference_to_json,
    }
    _print_text(forms[form](found))


def _print_listing(form: str, task: str, frameworks: list[str]) -> None:
    from bench.console import wide_console
    from bench.listing import listing
    from bench.report import listing as report

    found = listing(task, frameworks)
    if form == "table":
        _print_group(report.to_terminal(found, width=wide_console().width))
    elif form == "html":
        _print_text(report.to_html([found]))
    else:
        _print_text(report.to_json(found) if form == "json" else report.to_markdown(found))


def _print_group(group: Group) -> None:
    from bench.console import wide_console

    wide_console().print(group)


def _print_text(text: str) -> None:
    typer.echo(text.rstrip("\n"))
