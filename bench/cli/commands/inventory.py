"""`framebench list`."""

from __future__ import annotations

from bench.cli.options import EnvOption, JsonOption, environment_kind
from bench.cli.output import document


def inventory(env: EnvOption = "own", json: JsonOption = False) -> None:
    """List frameworks, versions, modes, devices, tasks and data, and say what is missing and why.

    [bold]Examples[/bold]

      framebench list                  tables

      framebench list --env current    what this Python can import

      framebench list --json           also the settings of the expert tuning
    """
    from bench.cli.display import wide_console
    from bench.report.task.availability import take_inventory
    from bench.report.task.inventory_forms import to_json, to_terminal

    listing = take_inventory(environment_kind(env))
    if json:
        document(to_json(listing))
    else:
        console = wide_console()
        console.print(to_terminal(listing, width=console.width))
