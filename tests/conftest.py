"""What the tests share. Nothing is mocked: workers are real processes, in real environments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import catalogue, data
from bench.core.errors import UnavailableError
from bench.environments import Environment, make

Framebench = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of `tests/benchmarks`; pytest knows those of this folder alone when it begins."""
    group = parser.getgroup("framebench", "which training steps are timed")
    group.addoption("--framework", action="append", default=[], help="Repeatable. Default: all.")
    group.addoption("--task", action="append", default=[], help="Repeatable. Default: all.")
    group.addoption(
        "--mode",
        action="append",
        default=[],
        help="recommended (default), all, or a mode's name; repeatable.",
    )
    group.addoption("--device", action="append", default=[], help="cpu (default) or cuda.")
    group.addoption("--threads", type=int, help="Default: the usable cores.")
    group.addoption("--length", type=int, help="Tokens a text is cut to. Default: the recipe's.")


@pytest.fixture(scope="session")
def environment() -> Callable[[str], Environment]:
    """A framework's environment by name, made if need be; a test without it is a failure."""

    def get(name: str) -> Environment:
        try:
            return make(catalogue.load(name), "cpu", lambda framework, state: None)
        except UnavailableError as error:
            pytest.fail(f"{name} is unavailable: {error}")

    return get


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The prepared MNIST: real where it can be had."""
    return data.prepare("mnist")


def run_framebench(
    *arguments: str, tree: Path = catalogue.TREE, folder: Path, expect: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, from the source in `tree`; its exit code must be `expect`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert expect is None or done.returncode == expect, f"exit code {done.returncode}: {said}"
    return done


@pytest.fixture
def framebench(tmp_path: Path) -> Framebench:
    """The command, run in a folder of the test's own."""

    def call(
        *arguments: str, tree: Path = catalogue.TREE, expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        return run_framebench(*arguments, tree=tree, folder=tmp_path, expect=expect)

    return call


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Plant a fault: a copy of the source in which one piece of one file reads otherwise."""

    def copy(file: str, old: str, new: str) -> Path:
        tree = tmp_path / "tree"
        for package in ("bench", "frameworks"):
            shutil.copytree(
                catalogue.TREE / package,
                tree / package,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        text = (tree / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (tree / file).write_text(text.replace(old, new), encoding="utf-8")
        return tree

    return copy
