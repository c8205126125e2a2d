"""The command line: the commands of `bench.cli.commands`, and how their errors are reported."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from bench.cli.commands.compare import compare
from bench.cli.commands.doctor import doctor
from bench.cli.commands.export import export
from bench.cli.commands.inventory import inventory
from bench.cli.commands.new import new
from bench.cli.commands.publish import publish
from bench.cli.commands.recommend import EPILOG as WEIGHTS
from bench.cli.commands.recommend import recommend
from bench.cli.commands.report import report
from bench.cli.commands.run import EXAMPLES, run
from bench.cli.commands.setup import setup
from bench.cli.commands.show import show
from bench.cli.commands.verify import verify
from bench.core.errors import FramebenchError, UsageError

app = typer.Typer(
    name="framebench",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train the same tasks in every deep-learning framework, and see which is faster, by how "
    "much, and how sure that is.",
)

app.command(epilog=EXAMPLES)(run)
app.command()(setup)
app.command(name="list")(inventory)
app.command()(doctor)
app.command()(show)
app.command()(verify)
app.command()(report)
app.command()(compare)
app.command(epilog=WEIGHTS)(recommend)
app.command()(export)
app.command()(publish)
app.command()(new)


def _print_version(requested: bool) -> None:
    if requested:
        from bench import __version__

        typer.echo(f"framebench {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _report_os_error(error: OSError) -> None:
    """Print what could not be read or written, such as on a full disk or in a protected folder."""
    place = f"{error.filename}: " if error.filename else ""
    typer.echo(f"framebench: {place}{error.strerror or error}", err=True)
    # Buffered output would fail again, with a traceback, when Python flushes it at exit.
    with suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def main() -> None:
    """The command `framebench`. Every expected error is one line on standard error."""
    # Modules and records live as long as the command, and the garbage collector would traverse them
    # again and again: by default it runs after every 700 new objects.
    gc.set_threshold(100_000)
    # A signal to terminate is handled like Ctrl-C: workers end too, and finished results are kept.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        code = app(prog_name="framebench", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be reported
    except typer.TyperException as error:
        message = error.format_message()
        if message:  # empty where the help was shown because no command was given
            typer.echo(f"framebench: {message}", err=True)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("framebench: interrupted; finished results are kept", err=True)
        sys.exit(130)
    except FramebenchError as error:
        typer.echo(f"framebench: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        _report_os_error(error)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
