"""The command line: the commands of `bench.cli.commands`, and what becomes of their errors."""

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
from bench.cli.commands.export import export
from bench.cli.commands.inventory import inventory
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
    help="Train the same tasks in every deep-learning framework, and tell which is faster, by how "
    "much, and how sure that is.",
)

app.command(epilog=EXAMPLES)(run)
app.command()(setup)
app.command(name="list")(inventory)
app.command()(show)
app.command()(verify)
app.command()(report)
app.command()(compare)
app.command(epilog=WEIGHTS)(recommend)
app.command()(export)
app.command()(publish)


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


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _cannot(error: OSError) -> None:
    """Say what could not be read or written: a full disk, a folder that is somebody else's."""
    place = f"{error.filename}: " if error.filename else ""
    typer.echo(f"framebench: {place}{error.strerror or error}", err=True)
    # What is still held back would fail once more as Python ends, with a traceback.
    with suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def main() -> None:
    """The command `framebench`. Every expected error is one line on standard error."""
    # Modules and records live as long as the command, and the collector would walk them over and
    # over: by default it sets out after every 700 objects.
    gc.set_threshold(100_000)
    # Asked to end, it ends as on Ctrl-C: with its workers, and with what was finished kept.
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, _interrupt)
    try:
        code = app(prog_name="framebench", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be told of
    except typer.TyperException as error:
        message = error.format_message()
        if message:  # none where the help has been shown in place of a missing command
            typer.echo(f"framebench: {message}", err=True)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("framebench: interrupted; what was finished is kept", err=True)
        sys.exit(130)
    except FramebenchError as error:
        typer.echo(f"framebench: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        _cannot(error)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
