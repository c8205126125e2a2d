"""One virtual environment a framework, made on first use from the requirements beside its adapter.

An environment is kept in the user's cache under a name that hashes the requirements, the Python
version and the platform. It is whole once its `environment.json` is there, which is written last;
what an interrupted making left behind is cleared away by the next.
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
from bench.launch.catalogue import Framework
from bench.launch.paths import cache_dir

MARKER = "environment.json"
# Making an environment is waiting for the network and the disk as much as computing.
AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A finished environment: its interpreter, and every installed package with its version.

    `path` are folders that it looks for packages in besides its own.
    """

    python: Path
    packages: dict[str, str]
    path: tuple[str, ...] = ()


class Provider(Protocol):
    """Provides a framework's environment. Raises UnavailableError with the reason."""

    def __call__(self, framework: Framework, device: str, listener: Listener) -> Environment: ...


def installed_bytes(environment: Environment) -> int:
    """What an environment's packages take on the disk: the sizes of their files, without pip's."""
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
    """The framework's environment if it stands already. Reads one small file."""
    folder = _folder(framework, device)
    try:
        packages = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    python = folder / "bin" / "python"
    # The Python that it was made from may have been removed since.
    return Environment(python=python, packages=packages) if python.exists() else None


def make(framework: Framework, device: str, listener: Listener) -> Environment:
    """The framework's environment, made if need be. Raises UnavailableError with pip's reason."""
    if environment := find(framework, device):
        return environment
    version = platform.python_version()
    if version not in SpecifierSet(framework.python):
        raise UnavailableError(
            f"{framework.title} needs Python {framework.python}; this is Python {version}"
        )
    folder = _folder(framework, device)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder, lambda state: listener.phase(framework.name, state)):
        if environment := find(framework, device):
            return environment
        shutil.rmtree(folder, ignore_errors=True)
        reason = _reason_file(framework, device)
        try:
            environment = _make(framework, device, folder, listener)
        except UnavailableError as error:
            reason.write_text(str(error), encoding="utf-8")
            raise
        reason.unlink(missing_ok=True)
        return environment


@contextmanager
def _locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("waiting for another framebench that makes it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _reason_file(framework: Framework, device: str) -> Path:
    folder = _folder(framework, device)
    return folder.with_name(f"{folder.name}.reason")


def why_not(framework: Framework, device: str) -> str | None:
    """Why the framework's environment could not be made the last time that it was tried."""
    try:
        return _reason_file(framework, device).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _make(framework: Framework, device: str, folder: Path, listener: Listener) -> Environment:
    listener.phase(framework.name, "creating a virtual environment")
    _checked([sys.executable, "-m", "venv", str(folder)], lambda line: None)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    install = [*pip, "install", "--progress-bar", "off", *framework.pip_args]
    requirements = framework.requirements(device)

    def tell(line: str) -> None:
        if line.startswith(("Collecting", "Downloading", "Installing", "Processing", "Building")):
            words = line.split()
            what = "packages" if words[0] == "Installing" else Path(words[1]).name
            listener.phase(framework.name, f"{words[0].lower()} {what}")

    _checked([*install, "-r", str(requirements)], tell)
    listing = _checked([*pip, "list", "--format", "json"], lambda line: None)
    packages = {str(canonicalize_name(one["name"])): one["version"] for one in json.loads(listing)}
    (folder / f"{MARKER}.partial").write_text(json.dumps(packages, indent=1), encoding="utf-8")
    (folder / f"{MARKER}.partial").rename(folder / MARKER)
    return Environment(python=python, packages=packages)


def _checked(command: list[str], tell: Callable[[str], None]) -> str:
    """Run a command, telling each line as it comes. Raises UnavailableError with its complaint."""
    lines: list[str] = []
    # Packages that the caller's PYTHONPATH lends would not be there for a worker.
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
            tell(line.strip())
    if process.returncode:
        errors = [line.strip() for line in lines if line.startswith("ERROR:")]
        reason = "; ".join(errors) or "".join(lines[-3:]).strip() or f"exit {process.returncode}"
        raise UnavailableError(reason.replace("ERROR: ", ""))
    return "".join(lines)


def provide_all(
    frameworks: Iterable[Framework], device: str, listener: Listener, *, provide: Provider = make
) -> dict[str, Environment | UnavailableError]:
    """Every framework's environment, several made at once; for one that cannot be, its error."""

    def attempt(framework: Framework) -> Environment | UnavailableError:
        try:
            environment = provide(framework, device, listener)
        except UnavailableError as error:
            listener.finished(framework.name, f"unavailable: {error}")
            return error
        listener.finished(framework.name, "ready")
        return environment

    wanted = list(frameworks)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(attempt, wanted))
    return {framework.name: result for framework, result in zip(wanted, made, strict=True)}
