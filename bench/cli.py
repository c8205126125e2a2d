"""The command line. A command imports what it needs when it runs, so `--help` answers at once."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.core.errors import FramebenchError, UsageError
from bench.options import (
    DevicesOption,
    FrameworksOption,
    JsonOption,
    ModesOption,
    ResultsOption,
    TasksOption,
    complete_frameworks,
)

if TYPE_CHECKING:
    from rich.console import Console

    from bench.store import Run

app = typer.Typer(
    name="framebench",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train the same tasks in every deep-learning framework, and tell which is faster, by how "
    "much, and how sure that is.",
)

RUN_EXAMPLES = """[bold]Examples[/bold]

  framebench run                                           all frameworks, headline tasks, quick

  framebench run -f pytorch -f mxnet_gluon -t mnist-mlp    two frameworks, one task

  framebench run --preset full -t cifar-cnn --repeats 1    the recipe as written, once

  framebench run -t mnist-mlp --mode all --threads 1       every mode, on one thread
"""


@app.command(epilog=RUN_EXAMPLES)
def run(
    framework: FrameworksOption = [],
    task: TasksOption = [],
    preset: Annotated[
        str, typer.Option("--preset", "-p", help="quick, standard or full.")
    ] = "quick",
    mode: ModesOption = ["recommended"],
    device: DevicesOption = ["cpu"],
    threads: Annotated[int | None, typer.Option(help="Threads. Default: the usable cores.")] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", "-n", help="Processes a cell.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs to train.")] = None,
    train_examples: Annotated[int | None, typer.Option(help="Training examples to use.")] = None,
    test_examples: Annotated[int | None, typer.Option(help="Test examples to use.")] = None,
    length: Annotated[int | None, typer.Option(help="Tokens a text is cut to.")] = None,
    feed: Annotated[
        str, typer.Option(help="host: turning arrays into tensors is timed; device: it is not.")
    ] = "host",
    seed: Annotated[int, typer.Option(help="Seed of the first block; each block adds one.")] = 0,
    data: Annotated[
        str, typer.Option(help="real, synthetic, or auto: real where it can be had.")
    ] = "auto",
    warmup: Annotated[float, typer.Option(help="Most seconds of warm-up before timing.")] = 2.0,
    window: Annotated[float, typer.Option(help="Seconds that one timed window aims at.")] = 0.1,
    timeout: Annotated[
        float, typer.Option(help="Kill a worker after so many seconds without a sign of life.")
    ] = 300.0,
    results: ResultsOption = Path("results"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run's folder. Default: time and preset.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train and time the cells, and print a table.

    Environments and data are made on first use. Everything is kept under results/NAME as it is
    finished. Exit code 0: every row is ok; 1: some row is not; 2: bad usage.
    """
    from bench.console import RunDisplay, SetupDisplay
    from bench.request import Request
    from bench.suite import Suite

    suite = Suite(
        Request(
            preset=preset,
            frameworks=framework,
            tasks=task,
            modes=mode,
            devices=device,  # type: ignore[arg-type]
            threads=threads,
            repeats=repeats,
            epochs=epochs,
            train_examples=train_examples,
            test_examples=test_examples,
            length=length,
            feed=feed,  # type: ignore[arg-type]
            seed=seed,
            data=data,  # type: ignore[arg-type]
            warmup=warmup,
            window=window,
            timeout=timeout,
            results=results,
            name=name,
            command=shlex.join(["framebench", *sys.argv[1:]]),
        )
    )
    with SetupDisplay() as setup_display:
        suite.prepare_data(setup_display.report)
        suite.prepare_environments(setup_display.report)
        suite.prove(setup_display.report)
    with RunDisplay(suite.job_count) as display:
        suite.run(display)
    from bench.report.write import write_summaries

    made = write_summaries(suite.folder)
    _print_run(made, json=json)
    typer.echo(f"kept in {suite.folder.folder}", err=True)
    if any(record.status != "ok" for record in made.records):
        raise typer.Exit(1)


@app.command()
def setup(
    framework: Annotated[
        list[str],
        typer.Argument(
            help="Frameworks. Default: all.",
            autocompletion=complete_frameworks,
            show_default=False,
        ),
    ] = [],
    device: Annotated[str, typer.Option("--device", "-d", help="cpu or cuda.")] = "cpu",
    data: Annotated[bool, typer.Option(help="Fetch and prepare the data sets too.")] = True,
) -> None:
    """Make the frameworks' environments and prepare the data ahead of a run.

    [bold]Examples[/bold]

      framebench setup                     everything

      framebench setup pytorch --no-data   one environment alone
    """
    from bench import catalogue
    from bench import data as datasets
    from bench.console import SetupDisplay
    from bench.core.errors import UnavailableError
    from bench.environments import make_all

    if device not in ("cpu", "cuda"):
        raise UsageError(f"no device is called {device!r}; there are: cpu, cuda")
    wanted = [catalogue.load(one) for one in framework or catalogue.compared()]
    with SetupDisplay() as display:
        made = make_all(wanted, device, display.report)
        for name in datasets.names() if data else []:
            datasets.prepare(name, progress=lambda text, name=name: display.report(name, text))  # type: ignore[misc]
            display.report(name, "ready", final=True)
    failed = {key: found for key, found in made.items() if isinstance(found, UnavailableError)}
    for key, error in failed.items():
        typer.echo(f"{key}: unavailable: {error}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command(name="list")
def list_(json: JsonOption = False) -> None:
    """Show frameworks, versions, modes, devices, tasks and data, and what is missing and why."""
    from bench.report import inventory

    if json:
        typer.echo(inventory.to_json())
    else:
        from rich.console import Console

        Console().print(inventory.to_terminal())


@app.command()
def verify(
    framework: FrameworksOption = [],
    task: TasksOption = [],
    mode: ModesOption = ["all"],
    device: DevicesOption = ["cpu"],
    precision: Annotated[
        list[str], typer.Option(help="float64 or float32; repeatable. Default: both.")
    ] = ["float64", "float32"],
    threads: Annotated[int, typer.Option(help="Threads of each framework.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prove again what is proved.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: JsonOption = False,
) -> None:
    """Prove that every framework trains the same task, and print the certificate.

    Weights, logits, loss, gradients, one update and the first steps of training are held against a
    float64 reference. What is proved is kept until the source, the versions or the machine change.
    Exit code 0: all is proved; 1: something is not; 2: bad usage.

    [bold]Examples[/bold]

      framebench verify                                  everything, in both precisions

      framebench verify -f pytorch -t imdb-lstm --fresh  one framework, one task, anew
    """
    from bench.console import SetupDisplay
    from bench.report import certificate
    from bench.request import Request
    from bench.suite import verify as prove

    request = Request(
        preset="full",
        frameworks=framework,
        tasks=task,
        modes=mode,
        devices=device,  # type: ignore[arg-type]
        precisions=precision,  # type: ignore[arg-type]
        threads=threads,
    )
    with SetupDisplay() as display:
        found = prove(request, fresh=fresh, report=display.report)
    if json:
        typer.echo(certificate.to_json(found))
    elif markdown:
        typer.echo(certificate.to_markdown(found))
    else:
        _wide_console().print(certificate.to_terminal(found))
    if any(one.status != "ok" for one in found):
        raise typer.Exit(1)


@app.command()
def report(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder. Default: the newest under --results.")
    ] = None,
    format: Annotated[
        str, typer.Option("--format", help="table, markdown, csv or json.")
    ] = "table",
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Print a run's table again, from its records alone.

    [bold]Examples[/bold]

      framebench report                                 the newest run

      framebench report results/mine --format markdown  fit to paste into an issue
    """
    from bench import store
    from bench.report import write

    made = store.read(run or store.newest(results))
    forms = {"markdown": write.to_markdown, "csv": write.to_csv, "json": write.to_json}
    if json or format == "json":
        _print_run(made, json=True)
    elif format == "table":
        _print_run(made, json=False)
    elif format in forms:
        typer.echo(forms[format](made), nl=False)
    else:
        raise UsageError(f"no format is called {format!r}; there are: table, {', '.join(forms)}")


def _print_run(run: Run, *, json: bool) -> None:
    from bench.report import write

    if json:
        typer.echo(write.to_json(run))
        return
    _wide_console().print(write.to_terminal(run))


def _wide_console() -> Console:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no width of its own; nothing is cut
    return console


def _version(asked: bool) -> None:
    if asked:
        from bench import __version__

        typer.echo(f"framebench {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """The command `framebench`. Every expected error is one line on standard error."""
    try:
        code = app(prog_name="framebench", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message()
        if message:  # none where the help has been shown in place of a missing command
            typer.echo(f"framebench: {message}", err=True)
        sys.exit(2)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        typer.echo("framebench: interrupted; what was finished is kept", err=True)
        sys.exit(130)
    except FramebenchError as error:
        typer.echo(f"framebench: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    sys.exit(code if isinstance(code, int) else 0)
