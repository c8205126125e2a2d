"""Shared fixtures. Workers are real processes in real environments; nothing is mocked."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bench import datasets, tasks
from bench.cli.app import main
from bench.core.errors import UnavailableError
from bench.core.listener import SILENT
from bench.launch import catalogue
from bench.launch.virtual_environments import Environment, make, provide_all
from bench.proof.prover import Prover
from bench.proof.reference_traces import ReferenceTraces
from tests.rotation import VARIABLE, Rotation, current_share
from tests.source_tree import plant as plant_in

Framebench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _garbage_is_collected() -> Iterator[None]:
    """A command that is called within this process turns the garbage collector off."""
    yield
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the rotation and of `tests/benchmarks`, whose own conftest is read too late."""
    parser.getgroup("framebench rotation").addoption(
        "--all",
        action="store_true",
        help=f"Take all cases, not only those of the commit's share or of ${VARIABLE}'s.",
    )
    group = parser.getgroup("framebench", "which training steps are timed")
    group.addoption("--framework", action="append", default=[], help="Repeatable. Default: all.")
    group.addoption(
        "--task", action="append", default=[], help="Repeatable. Default: all, heavy ones on cuda."
    )
    group.addoption(
        "--mode",
        action="append",
        default=[],
        help="recommended (default), all, or a mode's name; repeatable.",
    )
    group.addoption("--device", action="append", default=[], help="cpu (default) or cuda.")
    group.addoption("--threads", type=int, help="Default: the usable cores.")
    group.addoption("--length", type=int, help="Tokens a text is cut to. Default: the recipe's.")


def pytest_configure(config: pytest.Config) -> None:
    everything = config.getoption("all")
    config.pluginmanager.register(
        Rotation(None if everything else current_share(catalogue.TREE)), "rotation"
    )


@pytest.fixture(scope="session", autouse=True)
def _heeded_signals() -> None:
    """Children heed SIGINT and SIGHUP even if the tests run in the background, or under nohup."""
    for number, heeding in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heeding)


@pytest.fixture(scope="session")
def environment() -> Callable[[str], Environment]:
    """The environment of a framework, made where missing. A test fails if it cannot be made."""

    def get(name: str) -> Environment:
        try:
            return make(catalogue.load(name), "cpu", SILENT)
        except UnavailableError as error:
            pytest.fail(f"{name} is unavailable: {error}")

    return get


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The prepared MNIST: the real data if available."""
    return datasets.prepare("mnist")


@pytest.fixture(scope="session")
def data() -> Mapping[str, Path]:
    """The prepared folder of each task's data: the real data if available."""
    folders = {name: datasets.prepare(name) for name in datasets.names()}
    return {name: folders[tasks.load(name).dataset] for name in tasks.names()}


@pytest.fixture(scope="session")
def prover(data: Mapping[str, Path]) -> Prover:
    """Proves claims about any framework on the CPU, as `framebench verify` does."""
    environments = provide_all(map(catalogue.load, catalogue.names()), "cpu", SILENT)
    return Prover(
        {(name, "cpu"): environment for name, environment in environments.items()},
        data,
        provide=make,
    )


@pytest.fixture(scope="session")
def reference_traces(data: Mapping[str, Path]) -> ReferenceTraces:
    """What the traces of other frameworks are compared with; the prover uses the same files."""
    return ReferenceTraces(data, provide=make, seed=0)


def in_a_process(
    *arguments: str, folder: Path, tree: Path = catalogue.TREE
) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it: a process in `folder`, from the source in `tree`."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def framebench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Framebench:
    """The command, run in a folder of the test's own; its exit code must be `expect`.

    It is called by its entry point, as starting a process and importing everything takes most of a
    second; or in a process, if the source is to come from another `tree`.
    """

    def here(*arguments: str) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as exit_:
            patched.chdir(tmp_path)
            patched.setenv("COLUMNS", "160")
            patched.setattr("sys.argv", ["framebench", *arguments])
            main()
        assert isinstance(exit_.value.code, int)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, exit_.value.code, printed.out, printed.err)

    def call(
        *arguments: str, tree: Path | None = None, expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        done = in_a_process(*arguments, folder=tmp_path, tree=tree) if tree else here(*arguments)
        output = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert expect in (None, done.returncode), f"exit code {done.returncode}: {output}"
        return done

    return call


# A run of the reference, whose few steps take less time than starting its processes.
TINY = (
    *("run", "-f", "reference", "-t", "mnist-softmax", "--name", "r", "--epochs", "1"),
    *("--train-examples", "1920", "--test-examples", "100", "--warmup", "0.1", "--spare", "0"),
    *("--threads", "1", "--seconds", "0"),
)


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run's folder, and the process that made it, with its output."""

    folder: Path
    process: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run of two cells in two blocks, which tests must not change.

    Tests that xdist runs side by side share one.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    kept = folder / "process.json"
    with FileLock(f"{folder}.lock"):
        if not kept.exists():
            folder.mkdir()
            process = in_a_process(*TINY, "-t", "mnist-mlp", "-n", "2", folder=folder)
            assert process.returncode == 0, process.stderr
            kept.write_text(json.dumps(vars(process)), encoding="utf-8")
    process = subprocess.CompletedProcess(**json.loads(kept.read_text(encoding="utf-8")))
    return FinishedRun(folder=folder / "results" / "r", process=process)


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Plants a fault: copies the source and replaces a piece of text in one file."""

    def copy(file: str, old: str, new: str) -> Path:
        return plant_in(tmp_path / "tree", ("bench", "frameworks"), file, old, new)

    return copy


def asked(request: pytest.FixtureRequest, fixture: str, parameter: str) -> list[Any]:
    """The values of `parameter` in all chosen tests that need `fixture`."""
    return [
        item.callspec.params[parameter]
        for item in request.session.items
        if isinstance(item, pytest.Function) and fixture in item.fixturenames
    ]
