"""One virtual environment for each framework, built on first use from its requirements file.

An environment lives in the user's cache, in a folder whose name hashes the requirements, the Python
version and the platform. Its `environment.json` is written last and marks it as complete; what an
interrupted build left behind is removed by the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.launch.framework import Framework
from bench.launch.paths import cache_dir

MARKER = "environment.json"
# How many builds run at a time: they wait for the network and the disk as much as they compute.
CONCURRENT_BUILDS = 4


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A complete environment: its interpreter, and the version of every installed package.

    `path` lists further folders in which the interpreter looks for packages.
    """

    python: Path
    packages: dict[str, str]
    path: tuple[str, ...] = ()


# By framework and device: the environment, or why there is none.
Environments = dict[tuple[str, str], Environment | UnavailableError]


class Provider(Protocol):
    """Provides a framework's environment. Raises UnavailableError with the reason."""

    def __call__(self, framework: Framework, device: str, listener: Listener) -> Environment: ...


def installed_bytes(environment: Environment) -> int:
    """Bytes that an environment's packages, other than pip, take on the disk."""
    folder = environment.python.parents[1] / "lib"
    return sum(
        file.stat().st_size
        for packages in folder.glob("python*/site-packages")
        for package in packages.iterdir()
        if not package.name.startswith("pip")
        for file in (package.rglob("*") if package.is_dir() else [package])
        if file.is_file() and not file.is_symlink()
    )


def _folder(framework: Framework, device: str) -> Path:
    identity = [
        framework.requirements(device).read_text(encoding="utf-8"),
        *framework.pip_args,
        platform.python_version(),
        platform.system(),
        platform.machine(),
    ]
    key = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:12]
    return cache_dir() / "environments" / f"{framework.name}-{device}-{key}"


def find(framework: Framework, device: str) -> Environment | None:
    """The framework's environment if it has been built. Reads one small file."""
    folder = _folder(framework, device)
    try:
        packages = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    python = folder / "bin" / "python"
    # The Python that it was built from may have been removed since.
    return Environment(python=python, packages=packages) if python.exists() else None


def make(framework: Framework, device: str, listener: Listener) -> Environment:
    """The framework's environment, built if need be. Raises UnavailableError with pip's reason."""
    if environment := find(framework, device):
        return environment
    version = platform.python_version()
    if version not in SpecifierSet(framework.python):
        raise UnavailableError(
            f"{framework.title} needs Python {framework.python}; this is Python {version}"
        )
    folder = _folder(framework, device)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder, framework.name, listener):
        if environment := find(framework, device):
            return environment
        shutil.rmtree(folder, ignore_errors=True)
        reason = _reason_file(framework, device)
        try:
            environment = _build(framework, device, folder, listener)
        except UnavailableError as error:
            reason.write_text(str(error), encoding="utf-8")
            raise
        reason.unlink(missing_ok=True)
        return environment


@contextmanager
def _locked(folder: Path, subject: str, listener: Listener) -> Iterator[None]:
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        listener.phase(subject, "waiting for another framebench process that is building it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _reason_file(framework: Framework, device: str) -> Path:
    folder = _folder(framework, device)
    return folder.with_name(f"{folder.name}.reason")


def why_not(framework: Framework, device: str) -> str | None:
    """Why the last attempt to build the environment failed; None if none has."""
    try:
        return _reason_file(framework, device).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _build(framework: Framework, device: str, folder: Path, listener: Listener) -> Environment:
    listener.phase(framework.name, "creating a virtual environment")
    _run([sys.executable, "-m", "venv", str(folder)])
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    install = [*pip, "install", "--progress-bar", "off", *framework.pip_args]
    requirements = framework.requirements(device)

    def report_step(line: str) -> None:
        if line.startswith(("Collecting", "Downloading", "Installing", "Processing", "Building")):
            words = line.split()
            item = "packages" if words[0] == "Installing" else Path(words[1]).name
            listener.phase(framework.name, f"{words[0].lower()} {item}")

    _run([*install, "-r", str(requirements)], report_step)
    listing = json.loads(_run([*pip, "list", "--format", "json"]))
    packages = {str(canonicalize_name(entry["name"])): entry["version"] for entry in listing}
    (folder / f"{MARKER}.partial").write_text(json.dumps(packages, indent=1), encoding="utf-8")
    (folder / f"{MARKER}.partial").rename(folder / MARKER)
    return Environment(python=python, packages=packages)


def _run(command: list[str], on_line: Callable[[str], None] = lambda line: None) -> str:
    """Run a command and return its output; `on_line` gets each line as it is printed.

    Raises UnavailableError with the command's own error message.
    """
    lines: list[str] = []
    # Without PYTHONPATH and the like: packages found through them would be missing in a worker.
    variables = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=variables,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            on_line(line.strip())
    if process.returncode:
        errors = [line.strip() for line in lines if line.startswith("ERROR:")]
        reason = "; ".join(errors) or "".join(lines[-3:]).strip() or f"exit {process.returncode}"
        raise UnavailableError(reason.replace("ERROR: ", ""))
    return "".join(lines)


def provide_all(
    frameworks: Iterable[Framework], device: str, listener: Listener, *, provide: Provider = make
) -> dict[str, Environment | UnavailableError]:
    """Every framework's environment by name, several built at a time; the error where one fails."""

    def attempt(framework: Framework) -> Environment | UnavailableError:
        try:
            environment = provide(framework, device, listener)
        except UnavailableError as error:
            listener.finished(framework.name, f"unavailable: {error}")
            return error
        listener.finished(framework.name, "ready")
        return environment

    requested = list(frameworks)
    with ThreadPoolExecutor(CONCURRENT_BUILDS) as pool:
        results = list(pool.map(attempt, requested))
    return {framework.name: result for framework, result in zip(requested, results, strict=True)}
