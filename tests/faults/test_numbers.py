"""Numbers on the command line that are none, or are no help: refused before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
import typer

from bench.cli.command_line import app
from bench.launch import catalogue
from bench.run.number_limits import LIMITS
from bench.run.request import Request
from tests.conftest import Framebench

RUN = str(catalogue.TREE / "results" / "quick-epyc-2cpu")
NUMBERS = ("nan", "inf", "-inf", "-1", "1e999", "9" * 30, "9" * 5000, "", " ", "0x10", "1,5")
# Options whose text holds a number, with the text around it.
IN_TEXTS = {
    **dict.fromkeys(("until", "budget", "time_limit", "memory_limit"), "{}"),
    "fail_on": "{}%",
    "weight": "speed={}",
}
# What a command needs to get as far as its numbers.
ARGUMENTS = {"compare": [RUN, RUN], "recommend": [RUN], "run": ["--results", "made"]}
TOGETHER = {"budget": ["--until", "2%"]}


def numeric_options() -> Iterator[tuple[str, str, str, str]]:
    """Every option of every command that takes a number: command, name, option, and its text."""
    command = typer.main.get_command(app)
    for name, subcommand in command.commands.items():  # type: ignore[attr-defined]
        for parameter in subcommand.params:
            if parameter.type_descriptor.annotation in (int, float):
                yield name, parameter.name, max(parameter.opts, key=len), "{}"
            elif parameter.name in IN_TEXTS:
                yield name, parameter.name, max(parameter.opts, key=len), IN_TEXTS[parameter.name]


@pytest.mark.frameworks
@pytest.mark.parametrize(("command", "name", "option", "text"), list(numeric_options()))
def test_a_number_that_cannot_be_is_refused(
    framebench: Framebench, tmp_path: Path, command: str, name: str, option: str, text: str
) -> None:
    zero = () if name in ("seed", "spare", "seconds", "fail_on", "weight") else ("0", "-0")
    for number in (*NUMBERS, *zero):
        arguments = [*ARGUMENTS.get(command, []), *TOGETHER.get(name, [])]
        done = framebench(command, *arguments, f"{option}={text.format(number)}", expect=2)
        assert done.stderr.startswith("framebench: ") and done.stderr.count("\n") == 1, number
        assert not done.stdout and not [*tmp_path.iterdir()]


def test_every_option_with_a_number_is_walked_over() -> None:
    walked = {name for _, name, _, _ in numeric_options()}
    assert {"threads", "timeout", *IN_TEXTS} <= walked


def test_every_number_of_a_request_has_limits() -> None:
    hints = get_type_hints(Request)
    numbers = {
        field.name
        for field in fields(Request)
        if {hints[field.name], *getattr(hints[field.name], "__args__", ())} & {int, float}
    }
    assert numbers - {"until"} == set(LIMITS)
