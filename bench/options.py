"""Options that several commands share, and what the shell completes them with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def complete_tasks(incomplete: str) -> list[str]:
    """Tasks that begin so."""
    from bench import tasks

    return [name for name in tasks.names() if name.startswith(incomplete)]


def complete_frameworks(incomplete: str) -> list[str]:
    """Frameworks that begin so."""
    from bench import catalogue

    return [name for name in catalogue.names() if name.startswith(incomplete)]


FrameworksOption = Annotated[
    list[str],
    typer.Option(
        "--framework",
        "-f",
        help="A framework; repeatable. Default: all.",
        autocompletion=complete_frameworks,
    ),
]
TasksOption = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="A task; repeatable. Default: all, or the preset's.",
        autocompletion=complete_tasks,
    ),
]
TuningOption = Annotated[
    list[str],
    typer.Option(help="expert or default (the framework as it comes); repeatable."),
]
DataOption = Annotated[
    str, typer.Option(help="real, synthetic, or auto: real where it can be had.")
]
ResultsOption = Annotated[Path, typer.Option(help="Folder that holds the runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


ModesOption = Annotated[
    list[str],
    typer.Option("--mode", "-m", help="recommended, all, or a mode's name; repeatable."),
]
DevicesOption = Annotated[
    list[str], typer.Option("--device", "-d", help="cpu or cuda; repeatable.")
]
