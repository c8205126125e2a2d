"""The frameworks: one folder each under `frameworks/`, or in a plug-in's package.

A framework goes by its name, and so does a variant of it: see `bench.core.framework_name`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from bench.core import plugins
from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.core.framework_name import variant_of
from bench.core.plugins import Broken
from bench.launch import variants
from bench.launch.framework import Framework
from bench.launch.framework_file import read

TREE = Path(__file__).resolve().parents[2]
FRAMEWORKS = TREE / "frameworks"
# What is documented about a framework, for advice; it does not affect a worker.
FACTS = "facts.toml"
FILE = "framework.toml"


class Frameworks(NamedTuple):
    """The files of all frameworks, by name, and the plug-ins' frameworks that cannot be used."""

    files: Mapping[str, Path]
    broken: tuple[Broken, ...]


@cache
def _found() -> Frameworks:
    files: dict[str, Path] = {}
    first: dict[str, Path] = {}  # which a worker takes, whether or not it is sound
    broken: list[Broken] = []
    for package in plugins.packages("frameworks"):
        for file in sorted(package.folder.glob(f"*/{FILE}")):
            name = file.parent.name
            try:
                if first.setdefault(name, file) != file:
                    raise UsageError(f"{file}: {first[name]} describes {name!r} already")
                if package.distribution:  # our own are read when they are needed
                    _check_plugin(read(file))
            except UsageError as error:
                what = f"framework {name}"
                broken.append(
                    Broken(distribution=package.distribution, what=what, reason=str(error))
                )
            else:
                files[name] = file
    return Frameworks(files=files, broken=tuple(broken))


def _check_plugin(framework: Framework) -> None:
    """Raises UsageError if a plug-in's framework lacks a file, or a backend of it is malformed."""
    folder, variant = framework.folder, framework.variant
    kinds = [read(folder / FILE, variant.on(backend)) for backend in framework.backends]
    needed = [folder / "adapter.py", *(kind.requirements("cpu") for kind in kinds or [framework])]
    if absent := [file.name for file in needed if not file.is_file()]:
        raise UsageError(f"{folder} has no {' and no '.join(absent)}")


def families() -> list[str]:
    """The name of every framework itself, without backends, in alphabetical order."""
    return sorted(_found().files)


@cache
def names() -> tuple[str, ...]:
    """Every framework's name, on each of its backends, in alphabetical order."""
    every = chain.from_iterable(map(named, families()))
    return tuple(sorted(framework.name for framework in every))


def broken() -> tuple[Broken, ...]:
    """Plug-ins' frameworks that cannot be used."""
    return _found().broken


def compared() -> list[str]:
    """The names of the frameworks that are compared: all but the references."""
    return [name for name in names() if not load(name).reference]


def usual() -> list[str]:
    """Those that are compared where none is named: of several backends, the first."""
    first = (named(family)[0] for family in families())
    return sorted(framework.name for framework in first if not framework.reference)


def modes() -> list[str]:
    """Every mode that a framework has, in alphabetical order."""
    return sorted({mode for name in names() for mode in load(name).modes})


@cache
def load(name: str) -> Framework:
    """The framework of that name, or a variant of one.

    Raises UsageError if none has it, or if its file is malformed.
    """
    variant = variants.parse(name)
    if variant.framework not in families():
        _check_package(variant.framework, variant_of(name))
    family = check_choice("framework", variant.framework, families())
    return read(_found().files[family], variant)


def _check_package(name: str, rest: str) -> None:
    """Raises UsageError with the framework to name, if a worker of it imports this.

    `rest` is what was written behind the name.
    """
    for family in families():
        framework = read(_found().files[family])
        if name in framework.modules:
            beside = rest and name in framework.packages[1:]
            meant = f"{family}[{name}{rest}]" if beside else f"{family}{rest}"
            raise UsageError(f"{name} is a package of {family}: write {meant}")


def exists(name: str) -> bool:
    """Whether there is a framework of that name now."""
    try:
        load(name)
    except UsageError:
        return False
    return True


def named(name: str) -> list[Framework]:
    """The frameworks that a name means: one, or one on each backend where it names none of them.

    Raises UsageError as `load` does.
    """
    framework = load(name)
    if framework.is_complete:
        return [framework]
    return [load(str(framework.variant.on(backend))) for backend in framework.backends]


def source_digest(framework: Framework) -> str:
    """sha256 over every file that can affect what a worker of this framework does, and its path.

    That is not only Python: an adapter may read any file beside it. Of a plug-in it is all but its
    folders for other frameworks, as its tasks and models may use anything else of it.
    """
    sha = hashlib.sha256()
    for path, file in sorted(_sources(framework)):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        sha.update(f"{content} {path}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()


def _sources(framework: Framework) -> set[tuple[str, Path]]:
    """The files that `source_digest` covers, each after its path in the package it belongs to."""
    rooms = ("core", "tasks", "worker")
    roots = [(TREE, TREE / "bench" / room) for room in rooms]
    own = {framework.folder}
    if framework.models != framework.variant.framework:
        own.add(load(framework.models).folder)
    roots += [(folder.parent, folder) for folder in own]
    roots += [(root, root / name) for name, root in (package.top for package in plugins.plugins())]
    left_out = {
        package.folder / name
        for package in plugins.plugins()
        if package.group == "frameworks"
        for name in families()
        if name not in (framework.variant.framework, framework.models)
    }
    left_out |= {folder / FACTS for folder in own}
    return {
        (file.relative_to(root).as_posix(), file)
        for root, folder in roots
        for file in folder.rglob("*")
        if "__pycache__" not in file.parts
        and left_out.isdisjoint((file, *file.parents))
        and file.is_file()
    }
