"""`framebench merge`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import JsonOption, ResultsOption, complete_runs
from bench.cli.output import say
from bench.core.errors import UsageError


def merge(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN...",
            help="The parts: runs' folders, or their names under --results.",
            autocompletion=complete_runs,
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the merged run's folder.", show_default=False)
    ] = None,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial",
            help="Merge what is there although blocks are missing; --resume measures them.",
        ),
    ] = False,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Make one run of shards, and print its table.

    The parts are kept as they are. They must have the same source, settings,
    data and package versions, and no block of a task twice; what differs is
    named, and refused. Machines may differ: ratios are taken within a block,
    and so within a machine, and paces are given for each kind of machine.

    Without --partial every planned block must be there. With it the run is
    unfinished, and framebench run --resume measures what is missing, on a
    machine like that of the first part.

    Exit code 0: every row is ok; 1: some row is not ok; 2: bad usage, or the
    runs do not belong together.

    [bold]Examples[/bold]

      framebench merge shard-1 shard-2 shard-3 --name whole    three shards

      framebench merge shard-* --results /shared --name whole  in another folder

      framebench merge shard-1 shard-3 --partial --name part   without the 2nd
    """
    from bench.cli.commands.report import print_results
    from bench.records import run_folder, run_name
    from bench.records.kept_pictures import pictures_of, write_pictures
    from bench.records.run_claim import claimed
    from bench.report.run.report_files import PAGE, write_reports
    from bench.run.merging import merge as merge_runs

    if not runs or name is None:
        raise UsageError("merge needs runs and a name: framebench merge RUN RUN... --name NAME")
    run_name.checked(name)
    parts = [run_folder.find(run, results) for pattern in runs for run in _named(pattern, results)]
    merged = merge_runs(parts, name=name, partial=partial)
    with claimed(results / name, numbered=False) as folder:
        for part in parts:
            write_pictures(folder, pictures_of(part))
        run_folder.write(folder, merged.info, merged.lines)
        finished = write_reports(folder)
    print_results(finished, json=json)
    say(f"results: {folder}; report with charts: {folder / PAGE}")
    if not finished.run.finished:
        how = f"framebench run --resume {shlex.quote(str(folder))}"
        say(f"blocks are missing; measure them with: {how}")
    if not finished.ok:
        raise typer.Exit(1)


def _named(pattern: Path, results: Path) -> list[Path]:
    """The runs that a pattern names under `results`, where the shell has found none here."""
    if pattern.exists() or pattern.is_absolute() or not set("*?[") & set(str(pattern)):
        return [pattern]
    return sorted(results.glob(str(pattern))) or [pattern]
