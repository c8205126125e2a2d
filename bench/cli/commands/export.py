"""`framebench export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import ResultsOption, RunArgument, among, check_redirected
from bench.cli.output import document, say
from bench.core.choices import check_choice
from bench.core.errors import UsageError

FORMATS = ("pytest-benchmark",)


def export(
    run: RunArgument = None,
    format: Annotated[
        str,
        typer.Option("--format", help="pytest-benchmark.", autocompletion=among(lambda: FORMATS)),
    ] = "pytest-benchmark",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file instead of standard output."),
    ] = None,
    results: ResultsOption = Path("results"),
) -> None:
    """Write a run's timings in the format of another tool.

    pytest-benchmark: the JSON of --benchmark-json, with the seconds of a training step, and a group
    for each task. Cells that are not ok are left out and named on standard error. The JSON is not
    printed to a terminal: name a file with -o, or redirect the output. A file of -o is replaced
    only if it holds such JSON.

    [bold]Examples[/bold]

      framebench export -o after.json                   the newest finished run

      framebench export results/before --format pytest-benchmark -o before.json

      pytest-benchmark compare before.json after.json   side by side
    """
    from bench.analysis.results import Results
    from bench.cli.chosen_run import chosen_run
    from bench.cli.commands.report import print_caveats
    from bench.report.run import pytest_benchmark
    from bench.system import files

    check_choice("format", format, FORMATS)
    if output and not output.resolve().parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.parent}")
    if output:
        pytest_benchmark.check_replaceable(output)
    else:
        check_redirected("pytest-benchmark's JSON", "write it to a file: -o run.json")
    measured = Results.of(chosen_run(run, results))
    text, left_out = pytest_benchmark.to_json(measured)
    for line in left_out:
        say(f"left out: {line}")
    print_caveats(measured)
    if output:
        files.write(output, text)
    else:
        document(text)
