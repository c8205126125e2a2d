"""`framebench report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import JsonOption, ResultsOption, RunArgument, TasksOption, among, form

if TYPE_CHECKING:
    from bench.records.run_folder import Run

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
    from bench.records import run_folder
    from bench.report.run import run_forms

    def page(run: Run) -> str:
        from bench.report.run.run_page import run_page

        return run_page(run)

    wanted = form(format, FORMATS, json=json)
    made = run_folder.part(run_folder.find(run, results), tasks=task)
    if wanted in ("table", "json"):
        print_run(made, json=wanted == "json")
    else:
        forms = {"markdown": run_forms.to_markdown, "csv": run_forms.to_csv, "html": page}
        typer.echo(forms[wanted](made), nl=False)


def print_run(run: Run, *, json: bool) -> None:
    """A run's tables, or its figures as JSON, on standard output."""
    from bench.cli.display import wide_console
    from bench.report.run import run_forms

    if json:
        typer.echo(run_forms.to_json(run))
        return
    console = wide_console()
    console.print(run_forms.to_terminal(run, width=console.width))
