"""`framebench report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.cli.options import (
    JsonOption,
    ResultsOption,
    RunArgument,
    TasksOption,
    form,
    format_option,
)
from bench.cli.output import document, say

if TYPE_CHECKING:
    from bench.analysis.results import Results

FORMATS = ("table", "markdown", "csv", "json", "html")


def report(
    run: RunArgument = None,
    task: TasksOption = [],
    format: Annotated[str | None, format_option(FORMATS)] = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Print the tables of a run, from its records.

    [bold]Examples[/bold]

      framebench report                                 the newest finished run

      framebench report results/mine --format markdown  fit to paste into an issue

      framebench report results/mine -t cifar-cnn       one task

      framebench report --format html > report.html     a page with charts
    """
    from bench.analysis.results import Results
    from bench.cli.chosen_run import chosen_run
    from bench.records import run_folder
    from bench.report.run import run_forms

    output_format = form(format, FORMATS, json=json)
    measured = Results.of(run_folder.part(chosen_run(run, results), tasks=task))
    if output_format in ("table", "json"):
        print_results(measured, json=output_format == "json")
    elif output_format == "html":
        from bench.report.run.run_page import run_page

        document(run_page(measured))
    elif output_format == "markdown":
        document(run_forms.to_markdown(measured))
    else:
        document(run_forms.to_csv(measured))
        print_caveats(measured)


def print_caveats(results: Results) -> None:
    """Print a run's caveats on standard error, for formats that have no place for them."""
    from bench.report.run.footer import unfinished

    if words := unfinished(results):
        say(words)
    for caveat in results.caveats:
        say(f"caveat: {caveat}")


def print_results(results: Results, *, json: bool) -> None:
    """Print a run's tables, or its figures as JSON, on standard output."""
    from bench.cli.display import wide_console
    from bench.report.run import run_forms

    if json:
        document(run_forms.to_json(results))
        return
    if left_out := results.run.lines.words():  # in the other forms it is among the caveats
        say(f"{results.run.folder}: {left_out}")
    console = wide_console()
    console.print(run_forms.to_terminal(results, width=console.width))
