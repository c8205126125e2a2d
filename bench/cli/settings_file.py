"""The file of settings: options of commands that one would otherwise type each time.

It is `framebench.yaml` in the current folder, with a section for each command, or the table
`tool.framebench` of `pyproject.toml` there. The names are those of the command's long options. What
the command line says wins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from tabulate import tabulate

from bench.core.choices import check_choice
from bench.core.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

YAML, TOML = "framebench.yaml", "pyproject.toml"
# Options that act on one call of a command.
ONCE = frozenset({"help", "show_config", "resume", "add_blocks"})
# What PyYAML and tomllib raise, beside errors of their own: for dates that do not exist, too many
# digits, a tag of another type, and lists nested too deeply.
_NO_VALUES = (ValueError, OverflowError, LookupError, AttributeError, RecursionError)

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """The sections of a file by the name of their command, as they are written."""

    name: str
    sections: Mapping[str, Any]


def read(folder: Path) -> SettingsFile | None:
    """The settings in a folder, None if there are none.

    Raises UsageError for a file that cannot be read, and where both files have settings.
    """
    found = [file for file in (_yaml(folder / YAML), _toml(folder / TOML)) if file]
    if len(found) > 1:
        raise UsageError(
            f"{YAML} and [tool.framebench] of {TOML} both have settings; keep one of them"
        )
    return found[0] if found else None


def _yaml(path: Path) -> SettingsFile | None:
    text = _text(path)
    if text is None:
        return None
    import yaml

    try:
        sections = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{path.name}: {' '.join(str(error).split())}") from None
    except _NO_VALUES as error:
        raise UsageError(f"{path.name} has a value that cannot be read: {error}") from None
    return _checked(path.name, sections or {})


def _toml(path: Path) -> SettingsFile | None:
    text = _text(path)
    if text is None or "framebench" not in text:
        return None
    try:
        tool = tomllib.loads(text).get("tool")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: {error}") from None
    except _NO_VALUES as error:
        raise UsageError(f"{path.name} has a value that cannot be read: {error}") from None
    sections = tool.get("framebench") if isinstance(tool, dict) else None
    return None if sections is None else _checked(f"{path.name} [tool.framebench]", sections)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path.name} cannot be read: {error}") from None


def _checked(name: str, sections: object) -> SettingsFile:
    """The sections as a file has them; one with nothing in it, such as `run:`, sets nothing."""
    if not isinstance(sections, dict) or not all(
        section is None or isinstance(section, dict) for section in sections.values()
    ):
        raise UsageError(f"{name} must have a section of settings for each command, such as run")
    whole = {command: {} if section is None else section for command, section in sections.items()}
    return SettingsFile(name=name, sections=whole)


def defaults(file: SettingsFile, commands: Mapping[str, Any]) -> dict[str, Values]:
    """The values by command and parameter, as a context's `default_map` has them.

    `commands` are typer's, by name. Raises UsageError for the name of no command or option, and for
    a list where an option takes one value.
    """
    by_command: dict[str, Values] = {}
    for section, values in file.sections.items():
        try:
            command = commands[check_choice("command", str(section), commands)]
            options = {
                parameter.name: parameter
                for parameter in command.params
                if parameter.param_type_name == "option" and parameter.name not in ONCE
            }
            by_command[section] = {
                name: _value(options[name], value) for name, value in _named(values, options)
            }
        except UsageError as error:
            raise UsageError(f"{file.name}, {section}: {error}") from None
    return by_command


def _named(values: Mapping[object, Any], options: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The values by the names of their parameters."""
    written = sorted(name.replace("_", "-") for name in options)
    for name, value in values.items():
        check_choice("option", str(name).replace("_", "-"), written)
        yield str(name).replace("-", "_"), value


def _value(option: Any, value: object) -> object:
    """A value as the option takes it: a list if it may be given several times."""
    several = option.multiple or option.nargs > 1
    if isinstance(value, dict) or value is None or (isinstance(value, list) and not several):
        raise UsageError(f"{option.name.replace('_', '-')} takes one value, not {value!r}")
    if option.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"{option.name.replace('_', '-')} is true or false, not {value!r}")
        return value
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)] if option.multiple else str(value)


# Where a value comes from, by the name of typer's source.
_SOURCES = {
    "COMMANDLINE": "the command line",
    "ENVIRONMENT": "the environment",
    "DEFAULT": "the default",
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """The value of an option, and where that comes from, in words."""

    value: Any
    source: str


def held(context: typer.Context) -> dict[str, Held]:
    """What every option of a command holds, by its name as it is written."""
    file: SettingsFile | None = context.obj
    options = {}
    for parameter in context.command.params:
        name = parameter.name or ""
        if parameter.param_type_name != "option" or name in ONCE:
            continue
        source = context.get_parameter_source(name)
        words = _SOURCES.get(source.name, "") if source else ""
        if source and source.name == "DEFAULT_MAP" and file:
            words = file.name
        options[name.replace("_", "-")] = Held(value=context.params[name], source=words)
    return options


def shown(context: typer.Context) -> str:
    """Every option of a command with its value, and where that comes from: a line each."""
    rows = []
    for name, option in held(context).items():
        several = option.value if isinstance(option.value, list | tuple) else [option.value]
        text = ", ".join(str(each) for each in several if each is not None)
        rows.append((name, text or "-", option.source))
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def shown_as_json(context: typer.Context) -> str:
    """The same as JSON: `value` and `source` by option; null is a value that is left open."""
    options = {name: vars(option) for name, option in held(context).items()}
    return json.dumps(options, indent=2, default=str)


def as_arguments(context: typer.Context) -> list[str]:
    """The values from the file as one would type them, so that a run's command can be repeated."""
    arguments = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is None or source.name != "DEFAULT_MAP":
            continue
        value, option = context.params[parameter.name or ""], parameter.opts[0]
        if isinstance(value, bool):
            arguments += [option] * value
        else:
            for each in value if isinstance(value, list | tuple) else [value]:
                arguments += [option, str(each)]
    return arguments
