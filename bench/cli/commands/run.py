"""`framebench run`."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    DataOption,
    DevicesOption,
    EnvOption,
    FrameworksOption,
    JsonOption,
    ModesOption,
    PrecisionsOption,
    ResultsOption,
    TasksOption,
    TuningOption,
    among,
)
from bench.core.errors import FramebenchError

EXAMPLES = """[bold]Examples[/bold]

  framebench run                                           all frameworks, headline tasks, quick

  framebench run -f pytorch -f mxnet_gluon -t mnist-mlp    two frameworks, one task

  framebench run --preset full -t cifar-cnn --repeats 1    the recipe as written, once

  framebench run -t mnist-mlp --mode all --threads 1       every mode, on one thread

  framebench run --tuning expert --tuning default          what the expert settings bring

  framebench run --device auto                             the CPU, and the GPU if there is one

  framebench run --precision float32 --precision bf16      what mixed precision brings

  framebench run --env current -f pytorch                  what this Python has installed

  framebench run -t cifar-cnn --until 2% --budget 30m      as many blocks as that takes
"""


def run(
    framework: FrameworksOption = [],
    task: TasksOption = [],
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            "-p",
            help="quick, standard or full.",
            autocompletion=among(lambda: ("quick", "standard", "full")),
        ),
    ] = "quick",
    mode: ModesOption = ["recommended"],
    device: DevicesOption = ["cpu"],
    precision: PrecisionsOption = ["float32"],
    tuning: TuningOption = ["expert"],
    threads: Annotated[int | None, typer.Option(help="Threads. Default: the usable cores.")] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", "-n", help="Processes a cell.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs to train.")] = None,
    train_examples: Annotated[int | None, typer.Option(help="Training examples to use.")] = None,
    test_examples: Annotated[int | None, typer.Option(help="Test examples to use.")] = None,
    length: Annotated[int | None, typer.Option(help="Tokens a text is cut to.")] = None,
    feed: Annotated[
        str,
        typer.Option(
            help="host: turning arrays into tensors is timed; device: it is not.",
            autocompletion=among(lambda: ("host", "device")),
        ),
    ] = "host",
    seed: Annotated[int, typer.Option(help="Seed of the first block; each block adds one.")] = 0,
    data: DataOption = "auto",
    env: EnvOption = "own",
    warmup: Annotated[float, typer.Option(help="Most seconds of warm-up before timing.")] = 2.0,
    window: Annotated[float, typer.Option(help="Seconds that one timed window aims at.")] = 0.1,
    timeout: Annotated[
        float, typer.Option(help="Kill a worker after so many seconds without a sign of life.")
    ] = 300.0,
    spare: Annotated[
        int | None,
        typer.Option(help="Most blocks to add for disturbed ones. Default: half the repeats."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Add blocks until every ratio is known to within this, such as 2%. Exit code 1 "
            "where the time was up before."
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="The most time that --until may take: 90s, 30m, 2h. Default: 1h."),
    ] = None,
    results: ResultsOption = Path("results"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run's folder. Default: time and preset.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train and time the cells, and print a table.

    Tasks are the preset's; heavy ones run on a GPU, and on the CPU if they are named with -t.
    Environments and data are made on first use. Everything is kept under results/NAME as it is
    finished. Exit code 0: every row is ok, and --until was reached; 1: some row is not, or the time
    was up before; 2: bad usage.
    """
    from bench.analysis.results import summarize
    from bench.cli.commands.report import print_run
    from bench.cli.display import RunDisplay, SetupDisplay
    from bench.report.run.report_files import PAGE, write_reports
    from bench.run.campaign import Suite
    from bench.run.request import Request, duration, fraction

    suite = Suite(
        Request(
            preset=preset,
            frameworks=framework,
            tasks=task,
            modes=mode,
            tunings=tuning,  # type: ignore[arg-type]
            devices=device,  # type: ignore[arg-type]
            precisions=precision,  # type: ignore[arg-type]
            threads=threads,
            repeats=repeats,
            epochs=epochs,
            train_examples=train_examples,
            test_examples=test_examples,
            length=length,
            feed=feed,  # type: ignore[arg-type]
            seed=seed,
            data=data,  # type: ignore[arg-type]
            env=env,  # type: ignore[arg-type]
            warmup=warmup,
            window=window,
            timeout=timeout,
            spare=spare,
            until=None if until is None else fraction(until),
            budget_seconds=None if budget is None else duration(budget),
            results=results,
            name=name,
            command=shlex.join(["framebench", *sys.argv[1:]]),
        )
    )
    with SetupDisplay() as setup_display:
        suite.prepare_data(setup_display)
        suite.prepare_environments(setup_display)
        suite.prove(setup_display)
        suite.measure_rates(setup_display)
    try:
        with RunDisplay(suite.job_count) as display:
            suite.run(display)
    except BaseException:  # what was finished before an interruption has its tables too
        with suppress(FramebenchError):
            write_reports(suite.folder)
            typer.echo(f"not finished; what there is, is kept in {suite.folder}", err=True)
        raise
    made = write_reports(suite.folder)
    print_run(made, json=json)
    typer.echo(f"kept in {suite.folder}; to read it with charts: {suite.folder / PAGE}", err=True)
    if suite.missed:
        typer.echo(f"--until {until} was missed: {suite.missed}", err=True)
    if suite.missed or any(summary.status != "ok" for summary in summarize(made.records)):
        raise typer.Exit(1)
