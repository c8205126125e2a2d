"""`framebench setup`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import DeviceOption, FrameworksArgument
from bench.cli.output import say
from bench.core.choices import check_choice


def setup(
    framework: FrameworksArgument = [],
    device: DeviceOption = "cpu",
    data: Annotated[bool, typer.Option(help="Fetch and prepare the data sets too.")] = True,
) -> None:
    """Build the frameworks' environments and prepare the data ahead of a run.

    [bold]Examples[/bold]

      framebench setup                     everything

      framebench setup pytorch --no-data   only one environment
    """
    from bench import datasets
    from bench.cli.display import SetupDisplay
    from bench.core.errors import UnavailableError
    from bench.launch import catalogue
    from bench.launch.virtual_environments import provide_all

    check_choice("device", device, ("cpu", "cuda"))
    frameworks = [catalogue.load(name) for name in framework or catalogue.compared()]
    with SetupDisplay() as display:
        environments = provide_all(frameworks, device, display)
        for name in datasets.names() if data else []:
            datasets.prepare(name, source="auto", listener=display)
    failures = {
        name: result
        for name, result in environments.items()
        if isinstance(result, UnavailableError)
    }
    for name, error in failures.items():
        say(f"{name}: unavailable: {error}")
    if failures:
        raise typer.Exit(1)
