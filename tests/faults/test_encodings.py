"""Terminals that cannot show every character, and folders whose names are no text."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.launch import catalogue

# They start commands, in locales of all kinds.
pytestmark = pytest.mark.frameworks

RESULTS = catalogue.TREE / "results"
RUN, OTHER = str(RESULTS / "quick-epyc-2cpu"), str(RESULTS / "standard-epyc-2cpu")
# A name in Latin-1, as Python holds what is no UTF-8.
LATIN = os.fsdecode(b"r\xe9sultats")


class Stream(io.TextIOWrapper):
    """A standard stream in an encoding, perhaps of a terminal."""

    def __init__(self, encoding: str, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def written(self) -> bytes:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class Output:
    code: object
    out: bytes
    err: bytes


Call = Callable[..., Output]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Calls the command with standard streams in an encoding."""

    def in_encoding(*arguments: str, encoding: str, terminal: bool = False) -> Output:
        streams = [Stream(encoding, terminal=terminal) for _ in range(2)]
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as end:
            patched.chdir(tmp_path)
            patched.setenv("COLUMNS", "100")
            patched.setattr("sys.argv", ["framebench", *arguments])
            patched.setattr("sys.stdout", streams[0])
            patched.setattr("sys.stderr", streams[1])
            main()
        return Output(code=end.value.code, out=streams[0].written, err=streams[1].written)

    return in_encoding


COMMANDS = (
    ("report", RUN, "-t", "mnist-mlp"),
    ("compare", RUN, OTHER, "-t", "mnist-mlp"),
    ("recommend", RUN),
    ("show", "mnist-mlp"),
    ("list",),
    ("run", "--help"),
)


CASES = [(command, "ascii") for command in COMMANDS] + [
    (COMMANDS[1], encoding) for encoding in ("latin-1", "cp1252", "utf-8")
]


@pytest.mark.parametrize(("command", "encoding"), CASES)
def test_what_a_terminal_cannot_show_is_replaced(
    call: Call, command: tuple[str, ...], encoding: str
) -> None:
    done = call(*command, encoding=encoding, terminal=True)
    assert done.code == 0, done.err
    text = done.out.decode(encoding)
    assert len(text) > 200 and "?" not in text.replace("[", "")
    lines = "+-|" if encoding != "utf-8" else "─━│┃"
    assert command[0] in ("show", "recommend") or set(lines) & set(text)


FORMATS = (
    ("report", "markdown"),
    ("compare", "csv"),
    ("recommend", "json"),
)


@pytest.mark.parametrize(("command", "form"), FORMATS)
def test_what_programs_read_is_the_same_in_every_locale(
    call: Call, command: str, form: str
) -> None:
    runs = [RUN, OTHER] if command == "compare" else [RUN]
    outputs = {
        call(command, *runs, "--format", form, encoding=encoding).out
        for encoding in ("ascii", "utf-8")
    }
    (output,) = outputs
    assert output.decode("utf-8").endswith("\n")
    if form == "json":
        assert json.loads(output)


def test_a_message_with_any_character_is_one_line(call: Call) -> None:
    for encoding in ("ascii", "utf-8"):
        for word in ("é—→\x1b[31m\r", LATIN, "\u202e", "日本"):
            for terminal in (True, False):
                done = call("show", word, encoding=encoding, terminal=terminal)
                assert done.code == 2 and not done.out
                assert done.err.count(b"\n") == 1 and b"\x1b" not in done.err


def test_folders_may_have_names_that_are_no_text(call: Call, tmp_path: Path) -> None:
    results = tmp_path / LATIN
    shutil.copytree(RUN, results / "r", ignore=shutil.ignore_patterns("report.*"))
    for command in (
        ("report", "--results", LATIN),
        ("report", f"{LATIN}/r", "--format", "html"),
        ("export", "--results", LATIN, "-o", f"{LATIN}/out.json"),
        ("publish", f"{LATIN}/r", "--to", f"{LATIN}/to", "--no-page"),
        ("report", LATIN),
    ):
        done = call(*command, encoding="ascii")
        assert done.code == (2 if command == ("report", LATIN) else 0), done.err
        assert done.err.count(b"\n") <= 3 and b"Traceback" not in done.err
    assert (results / "out.json").is_file() and (results / "to" / "r").is_dir()


def test_a_process_in_an_old_locale(tmp_path: Path) -> None:
    """As a shell starts it: Python itself opens its streams."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "compare", RUN, OTHER, "-t", "mnist-mlp"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(catalogue.TREE)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b" > " in done.stdout  # an arrow
