"""The frameworks: one folder each under `frameworks/`, or in a plug-in's package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench.core import plugins
from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.core.plugins import Broken
from bench.launch.framework import Framework, read

TREE = Path(__file__).resolve().parents[2]
FRAMEWORKS = TREE / "frameworks"
# What is documented about a framework, for advice; it does not affect a worker.
FACTS = "facts.toml"


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
        for file in sorted(package.folder.glob("*/framework.toml")):
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
    """Raises UsageError if a plug-in's framework lacks a file."""
    needed = ("adapter.py", "requirements-cpu.txt")
    if absent := [name for name in needed if not (framework.folder / name).is_file()]:
        raise UsageError(f"{framework.folder} has no {' and no '.join(absent)}")


def names() -> list[str]:
    """Every framework's name, in alphabetical order."""
    return sorted(_found().files)


def broken() -> tuple[Broken, ...]:
    """Plug-ins' frameworks that cannot be used."""
    return _found().broken


def compared() -> list[str]:
    """The names of the frameworks that are compared: all but the references."""
    return [name for name in names() if not load(name).reference]


def modes() -> list[str]:
    """Every mode that a framework has, in alphabetical order."""
    return sorted({mode for name in names() for mode in load(name).modes})


@cache
def load(name: str) -> Framework:
    """The framework of that name. Raises UsageError if none has it, or if its file is malformed."""
    check_choice("framework", name, names())
    return read(_found().files[name])


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
    roots.append((framework.folder.parent, framework.folder))
    roots += [(root, root / name) for name, root in (package.top for package in plugins.plugins())]
    left_out = {
        package.folder / name
        for package in plugins.plugins()
        if package.group == "frameworks"
        for name in names()
        if name != framework.name
    }
    left_out.add(framework.folder / FACTS)
    return {
        (file.relative_to(root).as_posix(), file)
        for root, folder in roots
        for file in folder.rglob("*")
        if "__pycache__" not in file.parts
        and left_out.isdisjoint((file, *file.parents))
        and file.is_file()
    }
