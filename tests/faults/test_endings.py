"""How a command ends: by signals, by errors that nobody expected, and where nobody reads it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.launch import catalogue
from bench.report.task import availability
from tests.conftest import Framebench
from tests.source_tree import plant as plant_in

# They start commands, and end them.
pytestmark = pytest.mark.frameworks

Start = Callable[..., "subprocess.Popen[str]"]

# Signals that end a command, with the exit code that a shell gives to them.
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
WAIT = "print('ready', flush=True); import time; time.sleep(60)"

# What fails as a consequence of the signal is no news.
FAILING_WAIT = f"try: {WAIT}\nfinally: {{}}['missing']"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source whose `framebench list` does what the variable PLANTED says."""
    return plant_in(
        tmp_path_factory.mktemp("planted"),
        ("bench", "frameworks"),
        "bench/cli/commands/inventory.py",
        "    listing = take_inventory(environment_kind(env))\n",
        "    exec(compile(__import__('os').environ['PLANTED'], 'planted', 'exec'))\n"
        "    listing = take_inventory(environment_kind(env))\n",
    )


@pytest.fixture
def start(tree: Path, tmp_path: Path) -> Start:
    """Starts `framebench list`, with a fault planted in it."""

    def in_the_background(planted: str, *before: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, sys.executable, "-m", "bench", "list"],
            env={**variables(tmp_path / "cache", tree), "PLANTED": planted},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return in_the_background


def variables(cache: Path, tree: Path = catalogue.TREE) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree), "FRAMEBENCH_CACHE": str(cache)}


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_a_word(start: Start, number: signal.Signals) -> None:
    process = start(FAILING_WAIT if number == signal.SIGTERM else WAIT)
    until_ready(process)
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == SIGNALS[number]
    assert error.startswith("framebench: ") and error.count("\n") == 1
    # Nothing was made, and so nothing is said to be kept.
    assert "kept" not in error and "Traceback" not in error


def test_a_second_signal_ends_at_once_but_not_one_of_the_same_request(start: Start) -> None:
    planted = (
        "import time\ntry: print('ready', flush=True); time.sleep(60)\n"
        "finally:\n print('ready', flush=True); time.sleep(60)"
    )
    process = start(planted)
    until_ready(process)
    process.send_signal(signal.SIGTERM)
    until_ready(process)
    process.send_signal(signal.SIGTERM)  # as `timeout` sends it twice
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    assert "ended at once" in process.communicate()[1]
    assert process.returncode == 130


def test_an_ignored_signal_stays_ignored(start: Start) -> None:
    """`nohup framebench run` goes on when the terminal is closed."""
    process = start(WAIT.replace("60", "0.2"), "nohup")
    until_ready(process)
    process.send_signal(signal.SIGHUP)
    process.communicate()
    assert process.returncode == 0


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise self


UNEXPECTED = {
    "TypeError": TypeError("in\n two \x1b[31mlines"),
    "EOFError": EOFError("in\n two \x1b[31mlines"),
    "MemoryError": MemoryError(),
    "RecursionError": None,
    "SystemExit": SystemExit(0),
    "UnprintableError": UnprintableError(),
}


@pytest.mark.parametrize("kind", UNEXPECTED)
def test_an_unexpected_error_is_a_line_and_a_file(
    framebench: Framebench, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(kind_of_environment: str) -> None:
        again()
        if error := UNEXPECTED[kind]:
            raise error

    def again() -> None:
        if kind == "RecursionError":
            again()

    monkeypatch.setattr(availability, "take_inventory", fail)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    for cache, folder in (("cache", "cache/errors"), ("file", "temporary/framebench-errors")):
        (tmp_path / "file").write_text("where the cache's folder is expected")
        monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / cache))
        done = framebench("list", expect=1)
        assert not done.stdout
        assert done.stderr.startswith(f"framebench: unexpected error: {kind}")
        assert done.stderr.count("\n") == 1 and "\x1b" not in done.stderr
        (file,) = (tmp_path / folder).iterdir()
        assert f"details in {file}\n" in done.stderr
        details = file.read_text(encoding="utf-8")
        assert "Traceback" in details and "inventory.py" in details
        assert "command: framebench list" in details


def shell(line: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """A line for bash, in which $FB is the command and $RUN a published run."""
    run = catalogue.TREE / "results" / "quick-epyc-2cpu"
    return subprocess.run(
        ["bash", "-c", line],
        env={
            **variables(tmp_path / "cache"),
            "FB": f"{sys.executable} -m bench",
            "RUN": str(run),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


# What is done with the output of a command, and the exit code that follows.
READERS = {
    "$FB report $RUN --format html | head -c 1; echo ${PIPESTATUS[0]}": "<141\n",
    "exec 3>&1; { $FB run --help; echo $? >&3; } | true": "141\n",
    "exec 3>&1; { $FB --help; echo $? >&3; } | true": "141\n",
    "$FB report $RUN >&- 2>&- <&-; echo $?": "0\n",
    "$FB show bogus 2>&-; echo $?": "2\n",
    "$FB report $RUN >/dev/full; echo $?": "1\n",
}


@pytest.mark.parametrize("line", READERS)
def test_a_command_ends_well_if_nobody_reads_it(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert done.stdout == READERS[line]
    full = "framebench: No space left on device\n" if ">/dev/full; " in line else ""
    assert done.stderr == (full if "2>" not in line else "")


def test_a_completion_answers_and_ends(
    framebench: Framebench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_FRAMEBENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "framebench re")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert framebench().stdout.split() == ["report", "recommend"]
