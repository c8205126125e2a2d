"""`framebench list`."""

from __future__ import annotations

import typer

from bench.cli.options import EnvOption, JsonOption
from bench.core.errors import UsageError


def inventory(env: EnvOption = "own", json: JsonOption = False) -> None:
    """Show frameworks, versions, modes, devices, tasks and data, and what is missing and why.

    [bold]Examples[/bold]

      framebench list                  tables

      framebench list --env current    what this Python can import

      framebench list --json           with the settings of the expert tuning
    """
    from bench.report.task import inventory_forms as found

    if env not in ("own", "current"):
        raise UsageError(f"no kind of environment is called {env!r}; there are: own, current")
    if json:
        typer.echo(found.to_json(env))  # type: ignore[arg-type]
    else:
        from bench.cli.display import wide_console

        console = wide_console()
        console.print(found.to_terminal(env, width=console.width))  # type: ignore[arg-type]
