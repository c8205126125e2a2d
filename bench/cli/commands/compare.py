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
)
from bench.core.errors import UsageError

FORMATS = ("table", "markdown", "csv", "json")


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
            help="The run that is held against it.",
            autocompletion=complete_runs,
            show_default=False,
        ),
    ] = None,
    framework: FrameworksOption = [],
    task: TasksOption = [],
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on", help="Be a gate: exit code 1 where a cell is surely slower by more: 5%."
        ),
    ] = None,
    allow: Annotated[
        list[str],
        typer.Option(
            help="What may differ under --fail-on: machine, threads, data, budgets, versions, "
            "missing (cells of A that B has not), or all; repeatable.",
            autocompletion=among(_allowable),
        ),
    ] = [],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table (default), markdown, csv or json.",
            autocompletion=among(lambda: FORMATS),
        ),
    ] = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Compare two runs cell by cell: before and after, two versions, two machines.

    A ratio is samples/s of B over those of A, with its 95 % interval: Welch's,
    as the runs are not paired. What differs besides is named: machine, threads,
    data, budgets, versions.

    With --fail-on 5% it is a gate. A cell fails if it is surely slower by more
    than 5 %, if it was ok in A and is not in B, or if B has not got it. A gate
    over runs that differ in what is not allowed is refused. What one repeat
    leaves open cannot be checked, and is named.

    Exit code 0: no cell fails, or there is no gate; 1: some cell fails; 2: bad
    usage, or a gate that is refused.

    [bold]Examples[/bold]

      framebench compare before after                     what has changed

      framebench compare before after --fail-on 5%        a gate in CI

      framebench compare old new --fail-on 5% --allow versions

      framebench compare laptop server -t mnist-mlp --format markdown
    """
    if a is None or b is None:
        given = f", and {a} is one" if a else ""
        raise UsageError(f"compare takes two runs{given}: framebench compare A B; A is the base")
    from bench.analysis.comparison.cell_pairs import compare as compared
    from bench.analysis.comparison.gate import check_allowed, check_limit, judge
    from bench.cli.display import wide_console
    from bench.records import run_folder
    from bench.report.comparison.comparison_data import to_csv, to_json
    from bench.report.comparison.comparison_forms import to_markdown, to_terminal
    from bench.run.request import fraction

    wanted = form(format, FORMATS, json=json)
    check_allowed(allow)
    if allow and fail_on is None:
        raise UsageError("--allow goes with --fail-on: without a gate nothing is refused")
    limit = None if fail_on is None else fraction(fail_on)
    if limit is not None:
        check_limit(limit)
    found = compared(
        run_folder.find(a, results), run_folder.find(b, results), tasks=task, frameworks=framework
    )
    gate = None if limit is None else judge(found, limit=limit, allowed=allow)
    if wanted == "json":
        typer.echo(to_json(found, gate))
    elif wanted == "table":
        console = wide_console()
        console.print(to_terminal(found, gate, width=console.width))
    else:
        forms = {"markdown": to_markdown, "csv": to_csv}
        typer.echo(forms[wanted](found, gate), nl=False)
    if gate and not gate.passed:
        raise typer.Exit(1)
