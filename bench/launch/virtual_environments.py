"""One virtual environment for each framework and variant, built on first use from requirements.

An environment lives in the user's cache, in a folder whose name hashes the requirements, the Python
version and the platform. Its `environment.json` is written last and marks it as complete; what an
interrupted build left behind is removed by the next one. Each time that it is asked for, its
packages are compared with the lists of their files; one that lacks any is built anew.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
from packaging.utils import canonicalize_name

from bench.core.errors import UnavailableError
from bench.core.framework_name import in_file_name
from bench.core.listener import Listener
from bench.launch import installed_files, installer, variants
from bench.launch.framework import Framework
from bench.launch.paths import cache_dir, not_writable
from bench.system import children, files, locks
from bench.system.plain_text import plain

MARKER = "environment.json"
RECORDS = "installed.json"
# The name of the framework that the environment was made for.
NAME = "framework"
# How many builds run at a time: they wait for the network and the disk as much as they compute.
CONCURRENT_BUILDS = 4
# The first words of pip's lines that tell how far it is.
_STEPS = ("Collecting", "Downloading", "Installing", "Processing", "Building")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A complete environment: its interpreter, and the version of every installed package.

    `records` has the digest of each package's RECORD, the list of its files, by the package's name,
    as it is there now: it tells builds of the same version apart, and has packages that were added
    later. `path` lists further folders in which the interpreter
    looks for packages.
    """

    python: Path
    packages: dict[str, str]
    records: Mapping[str, str] = field(default_factory=dict)
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a framework's environment is made: what pip is asked to install, with which options.

    `kind` names the kind of recipe in the folder's name; `contents` are what it depends on.
    """

    framework: Framework
    kind: str
    contents: Sequence[str]
    arguments: Sequence[str]

    @property
    def folder(self) -> Path:
        """Where the environment is, or would be."""
        identity = [
            *self.contents,
            *self.framework.pip_args,
            platform.python_version(),
            platform.system(),
            platform.machine(),
        ]
        key = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:12]
        name = in_file_name(self.framework.name)
        return _environments() / f"{name}-{self.kind}-{key}"

    @property
    def reason_file(self) -> Path:
        """Where it is written down why the environment could not be made."""
        return self.folder.with_name(f"{self.folder.name}.reason")


def _environments() -> Path:
    return cache_dir() / "environments"


def _own(framework: Framework, device: str) -> Recipe:
    file = framework.requirements(device)
    text = file.read_text(encoding="utf-8")
    if framework.variant.is_version:
        lines = variants.requirements(framework.variant, framework.packages, text)
        return Recipe(framework=framework, kind=device, contents=lines, arguments=lines)
    return Recipe(framework=framework, kind=device, contents=[text], arguments=["-r", str(file)])


def standing() -> list[str]:
    """The names of the frameworks and variants that have an environment, whole or not."""
    names = set()
    for marker in _environments().glob(f"*/{MARKER}"):
        with suppress(OSError, UnicodeDecodeError):
            names.add((marker.parent / NAME).read_text(encoding="utf-8"))
    return sorted(names)


def _look(recipe: Recipe) -> tuple[Environment | None, str]:
    """The environment if it is there and whole; what is wrong with it, if it is there and is not.

    Every file of its packages is looked for.
    """
    folder = recipe.folder
    python = folder / "bin" / "python"
    try:
        text = files.read(folder / MARKER)
        packages = msgspec.json.decode(text, type=dict[str, str])
    except FileNotFoundError:
        return None, ""
    except (OSError, msgspec.MsgspecError) as error:
        return None, f"{MARKER} cannot be read: {error}"
    records = installed_files.digests(folder)
    # The Python that it was built from may have been removed since.
    gone = "" if python.exists() else f"{python} does not lead to a Python"
    if fault := gone or installed_files.fault(
        folder, packages, kept=_kept_records(folder) or records, found=records
    ):
        return None, fault
    return Environment(python=python, packages=packages, records=records), ""


def _kept_records(folder: Path) -> dict[str, str]:
    """The digests of the packages' lists when the environment was made; none if they are lost."""
    try:
        return msgspec.json.decode(files.read(folder / RECORDS), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def find(framework: Framework, device: str) -> Environment | None:
    """The framework's environment if it has been built, and is whole."""
    return look(framework, device)[0]


def look(framework: Framework, device: str) -> tuple[Environment | None, str]:
    """The framework's environment if it is whole, and what is wrong if it is built and is not."""
    return _look(_own(framework, device))


def make(framework: Framework, device: str, listener: Listener) -> Environment:
    """The framework's environment, built if need be. Raises UnavailableError with pip's reason."""
    return follow(_own(framework, device), listener)


def follow(recipe: Recipe, listener: Listener) -> Environment:
    """The recipe's environment; built if it is missing, and built anew if it is broken.

    Raises UnavailableError with the reason of venv or pip, or if the cache cannot be written.
    """
    environment, _ = _look(recipe)
    if environment:
        _write_down(recipe.folder, environment)
        return environment
    framework = recipe.framework
    if reason := framework.needs_other_python():
        raise UnavailableError(f"{framework.title} {reason}")

    def waits() -> None:
        listener.phase(framework.name, "waiting for another framebench process that is building it")

    try:
        with locks.held(Path(f"{recipe.folder}.lock"), waits):
            environment, fault = _look(recipe)
            return environment or _build_anew(recipe, fault, listener)
    except OSError as error:
        raise UnavailableError(not_writable(error)) from error


def _build_anew(recipe: Recipe, fault: str, listener: Listener) -> Environment:
    """Build the environment in place of what is there; needs the lock."""
    if fault:
        subject = f"{recipe.framework.name}'s environment"
        listener.finished(subject, f"{recipe.folder} is broken and made anew: {fault}")
    files.remove(recipe.folder)
    try:
        environment = _build(recipe, listener)
    except UnavailableError as error:
        with suppress(OSError):
            files.write(recipe.reason_file, str(error))
        raise
    with suppress(OSError):
        recipe.reason_file.unlink(missing_ok=True)
    return environment


def why_not(framework: Framework, device: str) -> str | None:
    """Why the last attempt to build the environment failed; None if none has."""
    try:
        return _own(framework, device).reason_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _build(recipe: Recipe, listener: Listener) -> Environment:
    name = recipe.framework.name
    listener.phase(name, "creating a virtual environment")
    installer.make_environment(sys.executable, recipe.folder)
    python = recipe.folder / "bin" / "python"
    pip = installer.Pip(python)

    def report_step(line: str) -> None:
        words = plain(line).split()
        if len(words) > 1 and words[0] in _STEPS:
            item = "packages" if words[0] == "Installing" else Path(words[1]).name
            listener.phase(name, f"{words[0].lower()} {item}")

    options = ["--progress-bar", "off", "--no-user", *recipe.framework.pip_args]
    pip.run("install", *options, *recipe.arguments, on_line=report_step)
    listing = json.loads(pip.run("list", "--format", "json"))
    environment = Environment(
        python=python,
        packages={str(canonicalize_name(entry["name"])): entry["version"] for entry in listing},
        records=installed_files.digests(recipe.folder),
    )
    _write_down(recipe.folder, environment)
    files.write(recipe.folder / NAME, name)
    # Last, as it says that the environment is complete.
    files.write(recipe.folder / MARKER, json.dumps(environment.packages, indent=1))
    return environment


def _write_down(folder: Path, environment: Environment) -> None:
    """Keep the digests of the packages' lists, where an older framebench has not."""
    if not (folder / RECORDS).exists():
        with suppress(OSError):  # of a cache that can only be read
            files.write(folder / RECORDS, json.dumps(environment.records, indent=1))


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
    with children.pool(CONCURRENT_BUILDS) as pool:
        results = list(pool.map(attempt, requested))
    return {framework.name: result for framework, result in zip(requested, results, strict=True)}
