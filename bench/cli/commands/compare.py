"""`framebench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    FrameworksOption,
    JsonOption,
    ResultsOption,
    TasksOption,
    among,
    complete_runs,
    form,
    format_option,
)
from bench.cli.output import document
from bench.core.errors import UsageError

FORMATS = ("table", "markdown", "csv", "json", "html")
UNDECIDED = 3  # the exit code


def _allowable() -> tuple[str, ...]:
    from bench.analysis.comparison.gate import ALLOWABLE

    return ALLOWABLE


def compare(
    a: Annotated[
        Path | None,
        typer.Argument(
            metavar="A",
            help="The base: a run's folder, or its name under --results.",
            autocompletion=complete_runs,
            show_default=False,
        ),
    ] = None,
    b: Annotated[
        Path | None,
        typer.Argument(
            metavar="B",
            help="The run to compare with it.",
            autocompletion=complete_runs,
            show_default=False,
        ),
    ] = None,
    framework: FrameworksOption = [],
    task: TasksOption = [],
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on", help="Exit with 1 if a cell is surely slower by more than this: 5%."
        ),
    ] = None,
    allow: Annotated[
        list[str],
        typer.Option(
            help="What may differ under --fail-on: machine, threads, data, weights, budgets, "
            "versions, contention, missing (cells of A that B lacks), or all. Repeatable.",
            autocompletion=among(_allowable),
        ),
    ] = [],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1, not 3, where the gate is undecided.")
    ] = False,
    format: Annotated[str | None, format_option(FORMATS)] = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Compare two runs cell by cell: before and after, two versions, two machines.

    The ratio B / A is samples/s of B over samples/s of A, with a 95 % interval
    (Welch's, because the runs are not paired). Other differences are named:
    machine, threads, data, weights, budgets, versions.

    --fail-on 5% makes it a gate. A cell fails if it is surely slower by more
    than 5 %, or if it is ok in A but not ok, or missing, in B. The gate passes
    only if every other cell of A surely is not; else it is undecided, and says
    how many more blocks would decide. A cell with a single repeat cannot be
    checked. The gate is refused where the runs differ in something that
    --allow does not name, or where others used the machine most of the time.

    Exit code 0: passed, or there is no gate; 1: failed; 2: bad usage, or the
    gate is refused; 3: undecided (1 with --strict).

    [bold]Examples[/bold]

      framebench compare before after                     what has changed

      framebench compare before after --fail-on 5%        a gate in CI

      framebench compare old new --fail-on 5% --allow versions

      framebench compare laptop server -t mnist-mlp --format markdown

      framebench compare before after --format html > compare.html
    """
    if a is None or b is None:
        only_a = f", but only {a} is given" if a else ""
        raise UsageError(f"compare needs two runs{only_a}: framebench compare A B; A is the base")
    from bench.analysis.comparison import run_comparison
    from bench.analysis.comparison.gate import check_allowed, check_limit, judge
    from bench.analysis.results import Results
    from bench.cli.display import wide_console
    from bench.records import run_folder
    from bench.report.comparison.comparison_data import to_csv, to_json
    from bench.report.comparison.comparison_forms import to_markdown, to_terminal
    from bench.run.request import fraction

    output_format = form(format, FORMATS, json=json)
    check_allowed(allow)
    if allow and fail_on is None:
        raise UsageError("--allow has no effect without --fail-on")
    if strict and fail_on is None:
        raise UsageError("--strict has no effect without --fail-on")
    limit = None if fail_on is None else fraction(fail_on)
    if limit is not None:
        check_limit(limit)
    old, new = (Results.of(run_folder.find(run, results)) for run in (a, b))
    comparison = run_comparison.compare(old, new, tasks=task, frameworks=framework)
    gate = None if limit is None else judge(comparison, limit=limit, allowed=allow)
    if output_format == "json":
        document(to_json(comparison, gate))
    elif output_format == "table":
        console = wide_console()
        console.print(to_terminal(comparison, gate, width=console.width))
    elif output_format == "html":
        from bench.report.comparison.comparison_page import comparison_page

        document(comparison_page(comparison, gate))
    else:
        forms = {"markdown": to_markdown, "csv": to_csv}
        document(forms[output_format](comparison, gate))
    if gate and gate.outcome != "passed":
        raise typer.Exit(1 if strict or gate.outcome == "failed" else UNDECIDED)
