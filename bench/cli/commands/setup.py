"""`framebench setup`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import DeviceOption, FrameworksArgument
from bench.core.errors import UsageError


def setup(
    framework: FrameworksArgument = [],
    device: DeviceOption = "cpu",
    data: Annotated[bool, typer.Option(help="Fetch and prepare the data sets too.")] = True,
) -> None:
    """Make the frameworks' environments and prepare the data ahead of a run.

    [bold]Examples[/bold]

      framebench setup                     everything

      framebench setup pytorch --no-data   one environment alone
    """
    from bench import datasets
    from bench.cli.display import SetupDisplay
    from bench.core.errors import UnavailableError
    from bench.launch import catalogue
    from bench.launch.environments import provide_all

    if device not in ("cpu", "cuda"):
        raise UsageError(f"no device is called {device!r}; there are: cpu, cuda")
    wanted = [catalogue.load(one) for one in framework or catalogue.compared()]
    with SetupDisplay() as display:
        made = provide_all(wanted, device, display)
        for name in datasets.names() if data else []:
            datasets.prepare(name, source="auto", listener=display)
    failed = {key: found for key, found in made.items() if isinstance(found, UnavailableError)}
    for key, error in failed.items():
        typer.echo(f"{key}: unavailable: {error}", err=True)
    if failed:
        raise typer.Exit(1)
