"""`framebench list`."""

from __future__ import annotations

import typer

from bench.options import JsonOption


def inventory(json: JsonOption = False) -> None:
    """Show frameworks, versions, modes, devices, tasks and data, and what is missing and why.

    [bold]Examples[/bold]

      framebench list                  tables

      framebench list --json           with the settings of the expert tuning
    """
    from bench.report import inventory as found

    if json:
        typer.echo(found.to_json())
    else:
        from rich.console import Console

        Console().print(found.to_terminal())
