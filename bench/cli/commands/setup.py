"""`framebench setup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import DeviceOption, FrameworksArgument, ResultsOption, complete_runs
from bench.cli.output import say
from bench.core.choices import check_choice


def setup(
    framework: FrameworksArgument = [],
    device: DeviceOption = "cpu",
    data: Annotated[bool, typer.Option(help="Fetch and prepare the data sets too.")] = True,
    like: Annotated[
        Path | None,
        typer.Option(
            help="Make the environments of this run again, with exactly its versions: a run's "
            "folder, or its name under --results. `framebench run --env like:RUN` uses them.",
            autocompletion=complete_runs,
        ),
    ] = None,
    results: ResultsOption = Path("results"),
) -> None:
    r"""Build the frameworks' environments and prepare the data ahead of a run.

    A framework may be a variant: another version, such as pytorch==2.12.1 (of another of its
    packages: jax_flax\[flax==0.12.7]), or a backend, such as keras\[jax].

    [bold]Examples[/bold]

      framebench setup                     everything

      framebench setup pytorch --no-data   only one environment

      framebench setup keras               Keras on each of its backends

      framebench setup pytorch==2.12.1     another version of a framework

      framebench setup --like results/r    the environments of an earlier run
    """
    from bench import datasets
    from bench.cli.display import SetupDisplay
    from bench.core.errors import UnavailableError
    from bench.launch import catalogue, virtual_environments
    from bench.launch.published_environments import PublishedEnvironments
    from bench.launch.virtual_environments import provide_all

    check_choice("device", device, ("cpu", "cuda"))
    run = PublishedEnvironments.of(like, results) if like else None
    everything = run.frameworks(device) if run else catalogue.usual()
    wanted = framework or everything
    frameworks = [variant for name in wanted for variant in catalogue.named(name)]
    provide = run or virtual_environments.make
    with SetupDisplay() as display:
        environments = provide_all(frameworks, device, display, provide=provide)
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
