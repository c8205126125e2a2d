"""`framebench show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    DiffOption,
    FrameworksOption,
    JsonOption,
    TaskArgument,
    form,
    format_option,
)
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Group

FORMATS = ("table", "markdown", "html", "json")


def show(
    task: TaskArgument = None,
    framework: FrameworksOption = [],
    diff: DiffOption = None,
    format: Annotated[str | None, format_option(FORMATS)] = None,
    json: JsonOption = False,
) -> None:
    """Show a task's definition and its model in every framework, side by side.

    Without a task, list all tasks; with --format html, show all of them on one page.

    [bold]Examples[/bold]

      framebench show cifar-cnn                            every framework

      framebench show imdb-lstm -f pytorch -f mxnet_gluon  two, in this order

      framebench show imdb-lstm --diff pytorch jax_flax    how two models differ

      framebench show --format html > models.html          all tasks on a page
    """
    wanted = form(format, FORMATS, json=json)
    if diff and framework:
        raise UsageError("--diff names its own two frameworks; leave out --framework")
    if diff and task is None:
        raise UsageError("--diff needs a TASK")
    if task is None:
        _print_tasks(wanted, framework)
    elif diff:
        _print_difference(wanted, task, *diff)
    else:
        _print_listing(wanted, task, framework)


def _print_tasks(wanted: str, frameworks: list[str]) -> None:
    from bench import tasks
    from bench.report.task import listing_forms as report
    from bench.report.task.task_listing import listing

    every = [listing(name, frameworks) for name in tasks.names()]
    if wanted == "table":
        _print_group(report.tasks_to_terminal())
    elif wanted == "html":
        _print_text(report.to_html(every))
    else:
        _print_text(report.tasks_to_json() if wanted == "json" else report.tasks_to_markdown())


def _print_difference(wanted: str, task: str, old: str, new: str) -> None:
    from bench.report.task import listing_forms as report
    from bench.report.task.task_listing import difference

    found = difference(task, old, new)
    if wanted == "table":
        _print_group(report.difference_to_terminal(found))
        return
    forms = {
        "markdown": report.difference_to_markdown,
        "html": report.difference_to_html,
        "json": report.difference_to_json,
    }
    _print_text(forms[wanted](found))


def _print_listing(wanted: str, task: str, frameworks: list[str]) -> None:
    from bench.cli.display import wide_console
    from bench.report.task import listing_forms as report
    from bench.report.task.task_listing import listing

    found = listing(task, frameworks)
    if wanted == "table":
        _print_group(report.to_terminal(found, width=wide_console().width))
    elif wanted == "html":
        _print_text(report.to_html([found]))
    else:
        _print_text(report.to_json(found) if wanted == "json" else report.to_markdown(found))


def _print_group(group: Group) -> None:
    from bench.cli.display import wide_console

    wide_console().print(group)


def _print_text(text: str) -> None:
    typer.echo(text.rstrip("\n"))
