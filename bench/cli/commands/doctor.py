"""`framebench doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import JsonOption, ResultsOption
from bench.cli.output import document


def doctor(
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of a run. Default: the usable cores.")
    ] = None,
    results: ResultsOption = Path("results"),
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 if a check is bad.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say whether this machine can give figures worth having, and what to do where it cannot.

    It watches for a second who uses the processor, and looks at cores and limits, frequencies,
    memory, disks, GPUs, environments and data. It changes nothing.

    [bold]Examples[/bold]

      framebench doctor              a page

      framebench doctor --threads 1  for a run on one thread

      framebench doctor --strict     for scripts: exit code 1 if a check is bad

      framebench doctor --json       every value with its unit
    """
    from bench.cli.display import wide_console
    from bench.health.examination import CHECKS, examine
    from bench.report.task.health_forms import to_json, to_terminal
    from bench.run.number_limits import check_numbers

    check_numbers({"threads": threads})
    examination = examine(CHECKS, results=results, threads=threads)
    if json:
        document(to_json(examination))
    else:
        wide_console().print(to_terminal(examination), highlight=False)
    if strict and examination.fitness == "not fit":
        raise typer.Exit(1)
