"""`framebench report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.options import (
    JsonOption,
    ResultsOption,
    RunArgument,
    TasksOption,
    among,
    form,
)

if TYPE_CHECKING:
    from bench.store import Run

FORMATS = ("table", "markdown", "csv", "json", "html")


def report(
    run: RunArgument = None,
    task: TasksOption = [],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table (default), markdown, csv, json or html.",
            autocompletion=among(lambda: FORMATS),
        ),
    ] = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Print a run's table again, from its records alone.

    [bold]Examples[/bold]

      framebench report                                 the newest run

      framebench report results/mine --format markdown  fit to paste into an issue

      framebench report results/mine -t cifar-cnn       one task

      framebench report --format html > report.html     a page, with the certificate and its curves
    """
    from bench import store
    from bench.report import write

    def page(run: Run) -> str:
        from bench.report.page import run_page

        return run_page(run)

    wanted = form(format, FORMATS, json=json)
    made = store.part(store.find(run, results), tasks=task)
    if wanted in ("table", "json"):
        print_run(made, json=wanted == "json")
    else:
        forms = {"markdown": write.to_markdown, "csv": write.to_csv, "html": page}
        typer.echo(forms[wanted](made), nl=False)


def print_run(run: Run, *, json: bool) -> None:
    """A run's tables, or its figures as JSON, on standard output."""
    from bench.console import wide_console
    from bench.report import write

    if json:
        typer.echo(write.to_json(run))
        return
    console = wide_console()
    console.print(write.to_terminal(run, width=console.width))
