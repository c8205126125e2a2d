"""`framebench show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from bench.cli.options import (
    DiffOption,
    FrameworksOption,
    JsonOption,
    TaskArgument,
    form,
    format_option,
)
from bench.cli.output import document
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
    output_format = form(format, FORMATS, json=json)
    if diff and framework:
        raise UsageError("--diff names its own two frameworks; leave out --framework")
    if diff and task is None:
        raise UsageError("--diff needs a TASK")
    if task is None:
        _print_tasks(output_format, framework)
    elif diff:
        _print_diff(output_format, task, *diff)
    else:
        _print_listing(output_format, task, framework)


def _print_tasks(output_format: str, frameworks: list[str]) -> None:
    from bench import tasks
    from bench.launch import catalogue
    from bench.report.task import listing_forms
    from bench.report.task.task_listing import list_task

    for name in frameworks:
        catalogue.load(name)  # a wrong name is an error, although only the page shows models
    if output_format == "table":
        _print_group(listing_forms.tasks_to_terminal())
    elif output_format == "html":
        listings = [list_task(name, frameworks) for name in tasks.names()]
        document(listing_forms.to_html(listings))
    elif output_format == "json":
        document(listing_forms.tasks_to_json())
    else:
        document(listing_forms.tasks_to_markdown())


def _print_diff(output_format: str, task: str, old: str, new: str) -> None:
    from bench.report.task import listing_forms
    from bench.report.task.task_listing import diff_models

    diff = diff_models(task, old, new)
    if output_format == "table":
        _print_group(listing_forms.diff_to_terminal(diff))
        return
    forms = {
        "markdown": listing_forms.diff_to_markdown,
        "html": listing_forms.diff_to_html,
        "json": listing_forms.diff_to_json,
    }
    document(forms[output_format](diff))


def _print_listing(output_format: str, task: str, frameworks: list[str]) -> None:
    from bench.cli.display import wide_console
    from bench.report.task import listing_forms
    from bench.report.task.task_listing import list_task

    listing = list_task(task, frameworks)
    if output_format == "table":
        _print_group(listing_forms.to_terminal(listing, width=wide_console().width))
    elif output_format == "html":
        document(listing_forms.to_html([listing]))
    elif output_format == "json":
        document(listing_forms.to_json(listing))
    else:
        document(listing_forms.to_markdown(listing))


def _print_group(group: Group) -> None:
    from bench.cli.display import wide_console

    wide_console().print(group)
