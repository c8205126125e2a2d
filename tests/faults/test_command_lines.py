"""Command lines that nobody would write: refused in a line, or done, but never a traceback.

100 of them, always the same; FRAMEBENCH_FUZZ=1000 tries more.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cli.app import main
from bench.cli.command_line import app
from tests.conftest import FinishedRun

EXAMPLES = int(os.environ.get("FRAMEBENCH_FUZZ", "100"))
LONG = "x" * 5000

# Values for every option: nothing, numbers that are none, names that act, and some that are right.
WORDS = (
    *("", " ", "-", "--", "..", "~nobody/x", "*", "%", "5%", "=", "speed=nan", "speed=1", LONG),
    *("nan", "inf", "-inf", "-1", "-0", "0", "1", "2", "1e999", "9" * 400, "1_0", "0x1", "٣"),
    *("a\nb", "\x1b[31m", "[red]", "[/]", "\udcff", "\u202e", "é", "日本", "{}", "%s", "$HOME"),
    *("pytorch", "reference", "mnist-mlp", "mnist-softmax", "all", "recommended", "cpu", "auto"),
    *("html", "json", "markdown", "csv", "table", "real", "own", "current", "quick", "task"),
    *("kept/r", "r", "results", "edge", "balanced", "machine", "-h", "--json", "90s", "2h"),
)
# Where a command may write: in this folder, or nowhere.
PLACES = (
    *("out", "out/deep/deeper", "notes.txt", "notes.txt/below", "", " ", "a\nb", "\udcff", LONG),
    *("/dev/null", "/dev/full", "/proc/no", "out/" + LONG, "[red]", "kept", "é"),
)
# Options that write into the source tree, install what another run had, or go on with a run.
LEFT_OUT = {"in_tree", "like", "resume", "add_blocks"}
# What keeps a command from training or installing, should the rest of its line be right.
REFUSED = {
    "run": ("--results", "notes.txt"),
    "verify": ("--task", "no-such-task"),
    "setup": ("--device", "no-such-device"),
}
WRITTEN = {("publish", "to"), ("new", "into"), ("export", "output"), ("run", "results")}


def _parameter(command: str, parameter: Any) -> st.SearchStrategy[list[str]]:
    """A parameter of a command with any value, given in one of the ways there are."""
    values = st.sampled_from(PLACES if (command, parameter.name) in WRITTEN else WORDS)
    if not parameter.opts or not parameter.opts[0].startswith("-"):
        return st.lists(values, min_size=1, max_size=2)
    option = st.sampled_from([*parameter.opts, *parameter.secondary_opts])
    given_with = st.tuples(option, values).map(list)
    if parameter.type_descriptor.annotation is bool:
        return option.map(lambda name: [name])
    return given_with | st.tuples(option, values).map(lambda pair: [f"{pair[0]}={pair[1]}"])


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options, in any order, and sometimes with more words."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    name = draw(st.sampled_from([*commands]))
    parameters = [each for each in commands[name].params if each.name not in LEFT_OUT]
    chosen = draw(st.lists(st.sampled_from(parameters), max_size=4))
    parts = [draw(_parameter(name, parameter)) for parameter in chosen]
    if draw(st.integers(0, 9)) == 0:
        parts.append([draw(st.sampled_from(WORDS))])
    return [name, *(word for part in parts for word in part), *REFUSED.get(name, ())]


@pytest.fixture(scope="module")
def folder(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and somebody's notes."""
    place = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(finished_run.folder, place / "kept" / "r")
    (place / "notes.txt").write_text("somebody's")
    return place


def called(folder: Path, arguments: list[str]) -> tuple[object, str, str]:
    """The exit code, and what was written to both streams."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patched, pytest.raises(SystemExit) as end:
        patched.chdir(folder)
        patched.setenv("FRAMEBENCH_CACHE", str(folder / "cache"))
        patched.setattr("sys.argv", ["framebench", *arguments])
        patched.setattr("sys.stdout", streams[0])
        patched.setattr("sys.stderr", streams[1])
        main()
    texts = []
    for stream in streams:
        stream.flush()
        assert isinstance(stream.buffer, io.BytesIO)
        texts.append(stream.buffer.getvalue().decode())
    return end.value.code, *texts  # type: ignore[return-value]


@pytest.mark.frameworks
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arguments=command_lines())
def test_every_command_line_ends_well(folder: Path, arguments: list[str]) -> None:
    code, out, error = called(folder, arguments)
    told = f"{arguments}: {code}: {error}"
    assert code in (0, 1, 2, 3), told
    assert "Traceback" not in error and "unexpected error" not in error, told
    assert "\x1b" not in error and "\x1b" not in out, told
    assert code == 0 or error or out, told
    # What nobody named is as it was.
    assert (folder / "notes.txt").read_text() == "somebody's"
    assert len((folder / "kept" / "r" / "records.jsonl").read_bytes().splitlines()) == 4
    assert not (folder / "cache" / "errors").exists(), told
