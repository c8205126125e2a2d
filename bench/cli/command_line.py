"""The command line: the commands of `bench.cli.commands`, and the call of one of them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import settings_file
from bench.cli.commands.compare import compare
from bench.cli.commands.doctor import doctor
from bench.cli.commands.export import export
from bench.cli.commands.history import history
from bench.cli.commands.inventory import inventory
from bench.cli.commands.merge import merge
from bench.cli.commands.new import new
from bench.cli.commands.publish import publish
from bench.cli.commands.recommend import EPILOG as WEIGHTS
from bench.cli.commands.recommend import recommend
from bench.cli.commands.report import report
from bench.cli.commands.run import EXAMPLES, run
from bench.cli.commands.setup import setup
from bench.cli.commands.show import show
from bench.cli.commands.verify import verify
from bench.cli.giving_way import Command
from bench.cli.output import document
from bench.core.errors import UsageError

NAME = "framebench"
# Set by the shell's completion script, which asks for words instead of running a command.
_COMPLETION = "_FRAMEBENCH_COMPLETE"

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train the same tasks in every deep-learning framework, and see which is faster, by how "
    "much, and how sure that is.",
)


def _flowing(text: str) -> str:
    """A docstring with a line for each paragraph, which the terminal breaks by its width."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def _add(command: Callable[..., None], *, name: str | None = None, epilog: str = "") -> None:
    text = _flowing(command.__doc__ or "")
    app.command(name, cls=Command, help=text, epilog=epilog or None)(command)


_add(run, epilog=EXAMPLES)
_add(merge)
_add(setup)
_add(inventory, name="list")
_add(doctor)
_add(show)
_add(verify)
_add(report)
_add(compare)
_add(recommend, epilog=WEIGHTS)
_add(history)
_add(export)
_add(publish)
_add(new)


def _print_version(requested: bool) -> None:
    if requested:
        from bench import __version__

        document(f"framebench {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


def call(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit code.

    Options that they do not give are those of the file of settings, if there is one. Raises
    UsageError for arguments and settings that cannot be understood, without a text if the help was
    shown instead, and whatever the command raises.
    """
    if _COMPLETION in os.environ:
        with suppress(SystemExit):
            app(prog_name=NAME)
        return 0
    # Not by calling `app`, which would make an exit code of an interruption and of an EOFError.
    command = typer.main.get_command(app)
    file = settings_file.read(Path())
    assert isinstance(command, typer.core.TyperGroup)
    values = settings_file.defaults(file, command.commands) if file else None
    try:
        with _context(command, arguments, default_map=values, obj=file) as context:
            code = command.invoke(context)
    except typer.Exit as end:
        code = end.exit_code
    except typer.TyperException as error:
        raise UsageError(error.format_message()) from None
    return code if isinstance(code, int) else 0


def _context(command: Any, arguments: Sequence[str], **options: Any) -> typer.Context:
    """The context of a group of commands, whose own options are done by now.

    Raises typer.Exit where one of them ends the command, as those of the shell's completion do.
    """
    try:
        context: typer.Context = command.make_context(NAME, [*arguments], **options)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # help is shown, and nobody reads it
            raise
        raise typer.Exit(end.code if isinstance(end.code, int) else 0) from None
    return context
