"""Options that several commands share, with their completions for the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from bench.cli import settings_file
from bench.core.choices import check_choice
from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.launch.providers import EnvironmentKind

# Where the value of an option may come from other than its default.
_GIVEN = {"COMMANDLINE", "ENVIRONMENT"}

Complete = Callable[[str], list[str]]
Options = TypeVar("Options")


def among(words: Callable[[], Iterable[str]]) -> Complete:
    """Completes with the known words that start with the typed text; looked up only when needed."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return complete


def format_option(formats: Sequence[str]) -> Any:
    """The option `--format` of a command that prints in these formats, the first by default."""
    first, *others, last = formats
    return typer.Option(
        "--format",
        help=f"{', '.join([f'{first} (default)', *others])} or {last}.",
        autocompletion=among(lambda: formats),
    )


def form(requested: str | None, formats: Sequence[str], *, json: bool) -> str:
    """The format to print: the requested one, or the first of `formats`; `--json` asks for json.

    Raises UsageError for an unknown format, for two at once, and for a page that would be printed
    to a terminal.
    """
    if requested is not None:
        check_choice("format", requested, formats)
    if json and requested not in (None, "json"):
        raise UsageError(f"--json and --format {requested} are two formats; give one of them")
    output_format = "json" if json else requested or formats[0]
    if output_format == "html":
        check_redirected("a page", "write it to a file: --format html > page.html")
    return output_format


def check_redirected(content: str, instead: str) -> None:
    """Raises UsageError if standard output is a terminal, which `content` would flood."""
    if sys.stdout.isatty():
        raise UsageError(f"{content} cannot be read in a terminal; {instead}")


def environment_kind(requested: str) -> EnvironmentKind:
    """The value of `--env`. Raises UsageError for an unknown kind."""
    from bench.launch.providers import PROVIDERS

    return check_choice("kind of environment", requested, PROVIDERS)


def _tasks() -> list[str]:
    from bench import tasks

    return tasks.names()


def _frameworks() -> list[str]:
    from bench.launch import catalogue

    return sorted({*catalogue.families(), *catalogue.names()})


def _modes() -> list[str]:
    from bench.launch import catalogue

    return ["recommended", "all", *catalogue.modes()]


def complete_runs(incomplete: str) -> list[str]:
    """Completes runs in the folder `results` by name, and those in other folders by path."""
    folder = incomplete.rpartition("/")[0]
    folders = [file.parent for file in Path(folder or "results").glob("*/run.json")]
    runs = sorted(path.as_posix() if folder else path.name for path in folders)
    return [run for run in runs if run.startswith(incomplete)]


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where the values in a command's context come from."""

    context: typer.Context

    @property
    def given(self) -> set[str]:
        """The parameters that the command line gave."""
        sources = {name: self.context.get_parameter_source(name) for name in self.context.params}
        return {name for name, source in sources.items() if source and source.name in _GIVEN}

    @property
    def settings(self) -> Sequence[str]:
        """The values from the file of settings, as one would type them."""
        return settings_file.as_arguments(self.context)

    @property
    def shown(self) -> str:
        """Every option with its value and where that comes from.

        It is JSON where the command line asks for it, and else a line each.
        """
        as_json = "json" in self.given
        return (settings_file.shown_as_json if as_json else settings_file.shown)(self.context)


def takes(
    options: type[Options],
) -> Callable[[Callable[[Options, Origins], None]], Callable[..., None]]:
    """Decorate a function of a dataclass as a command whose parameters are the dataclass's fields.

    The function also gets the origins of their values. Typer reads parameters from a command's
    signature, so the command is given that signature.
    """
    hints = get_type_hints(options, include_extras=True)
    # A command line needs defaults that can be shown, not the factories of lists.
    defaults = vars(options())
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=hints[name], default=default)
        for name, default in defaults.items()
    ]

    parameters.append(Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context))

    def decorate(function: Callable[[Options, Origins], None]) -> Callable[..., None]:
        @wraps(function)
        def command(*, context: typer.Context, **values: Any) -> None:
            function(options(**values), Origins(context=context))

        command.__annotations__ = {name: hints[name] for name in defaults}
        command.__annotations__["context"] = typer.Context
        vars(command)["__signature__"] = Signature(parameters)
        return command

    return decorate


complete_tasks = among(_tasks)
FrameworksArgument = Annotated[
    list[str],
    typer.Argument(
        help="Frameworks, or variants of them. Default: all, of keras the first backend.",
        autocompletion=among(_frameworks),
        show_default=False,
    ),
]
FrameworksOption = Annotated[
    list[str],
    typer.Option(
        "--framework",
        "-f",
        help="A framework, or a variant of one; repeatable. Default: all, of keras one backend.",
        autocompletion=among(_frameworks),
    ),
]
TasksOption = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="A task; repeatable. Default: all.",
        autocompletion=complete_tasks,
    ),
]
TaskArgument = Annotated[
    str | None,
    typer.Argument(
        help="A task. Default: list them.", autocompletion=among(_tasks), show_default=False
    ),
]
DiffOption = Annotated[
    tuple[str, str] | None,
    typer.Option(
        help="Show a unified diff of the models in two frameworks.",
        metavar="OLD NEW",
        autocompletion=among(_frameworks),
    ),
]
ModesOption = Annotated[
    list[str],
    typer.Option(
        "--mode",
        "-m",
        help="recommended, all, or a mode by its name; repeatable.",
        autocompletion=among(_modes),
    ),
]
DevicesOption = Annotated[
    list[str],
    typer.Option(
        "--device",
        "-d",
        help="cpu, cuda, or auto (the CPU, and the GPU if there is one); repeatable.",
        autocompletion=among(lambda: ("cpu", "cuda", "auto")),
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", "-d", help="cpu or cuda.", autocompletion=among(lambda: ("cpu", "cuda"))
    ),
]
PRECISIONS = ("float32", "tf32", "bf16", "fp16", "float64")
PrecisionsOption = Annotated[
    list[str],
    typer.Option(
        "--precision",
        help="float32, tf32, bf16 or fp16 (mixed with float32), or float64; repeatable.",
        autocompletion=among(lambda: PRECISIONS),
    ),
]
TuningOption = Annotated[
    list[str],
    typer.Option(
        help="expert, or default (the framework's own settings); repeatable.",
        autocompletion=among(lambda: ("expert", "default")),
    ),
]
DataOption = Annotated[
    str,
    typer.Option(
        help="real, synthetic, or auto (real if available).",
        autocompletion=among(lambda: ("auto", "real", "synthetic")),
    ),
]
EnvOption = Annotated[
    str,
    typer.Option(
        "--env",
        help="own (an environment for each framework), current (this Python's packages), or "
        "like:RUN (the versions that an earlier run had; not of list).",
        autocompletion=among(lambda: ("own", "current", "like:")),
    ),
]
ResultsOption = Annotated[Path, typer.Option(help="Folder of the runs.")]
RunArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A run's folder, or its name under --results. Default: the newest finished one there.",
        autocompletion=complete_runs,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
