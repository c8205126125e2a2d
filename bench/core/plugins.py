"""Where frameworks, tasks and data sets are found: our own packages, and those of plug-ins.

A plug-in is an installed distribution with entry points in one of the groups `GROUPS`, whose values
are packages:

* `framebench.tasks` and `framebench.datasets`: every module of the package defines a TASK or a
  DATASET, and its name with dashes for underscores is that of the task (of the data set, as it is);
* `framebench.frameworks`: every folder of the package with a `framework.toml` is a framework, and
  any folder may hold `models/NETWORK.py` for the framework of its name, ours included.

Our own are found by the same code, in the packages that `GROUPS` names. A worker runs in an
environment in which a plug-in is not installed: it is told the packages by `declare`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Group = Literal["frameworks", "tasks", "datasets"]

GROUPS: dict[Group, str] = {
    "frameworks": "frameworks",
    "tasks": "bench.tasks",
    "datasets": "bench.datasets",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A package in which things of a group are found.

    `package` is its dotted name, `folder` its place, and `distribution` what it was installed with;
    "" for our own.
    """

    group: Group
    package: str
    folder: Path
    distribution: str = ""

    @property
    def top(self) -> tuple[str, Path]:
        """The name of the top-level package, and the folder that it lies in."""
        parts = self.package.split(".")
        return parts[0], self.folder.parents[len(parts) - 1]

    def modules(self) -> list[str]:
        """The names of its modules, in alphabetical order."""
        return sorted(file.stem for file in self.folder.glob("*.py") if file.stem != "__init__")


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A plug-in, or a part of one, that cannot be used, and why."""

    distribution: str
    what: str
    reason: str


_declared: dict[Group, tuple[Found, ...]] = {}


def declare(found: Iterable[Found]) -> None:
    """Use these packages besides our own, instead of looking for installed plug-ins."""
    every = tuple(found)
    for group in GROUPS:
        _declared[group] = tuple(package for package in every if package.group == group)
    packages.cache_clear()


@cache
def packages(group: Group) -> tuple[Found, ...]:
    """The packages of a group: our own, then those of plug-ins, by their entry points' names."""
    own = _locate(group, GROUPS[group], "")
    if group in _declared:
        return own, *_declared[group]
    return own, *(package for package in _installed(group) if isinstance(package, Found))


def broken_packages() -> list[Broken]:
    """The entry points whose package cannot be found or imported."""
    found = (package for group in GROUPS for package in _installed(group))
    return [package for package in found if isinstance(package, Broken)]


def plugins() -> list[Found]:
    """The packages of all plug-ins."""
    return [found for group in GROUPS for found in packages(group) if found.distribution]


@cache
def _installed(group: Group) -> tuple[Found | Broken, ...]:
    """The package of each entry point of a group, or why it cannot be used."""
    from importlib.metadata import entry_points  # here: a worker, which is timed, needs none

    points = entry_points(group=f"framebench.{group}")
    ordered = sorted(points, key=lambda point: (point.name, point.value))
    return tuple(_of_entry_point(group, point) for point in ordered)


def _of_entry_point(group: Group, point: EntryPoint) -> Found | Broken:
    distribution = point.dist.name if point.dist else point.name
    try:
        return _locate(group, point.value, distribution)
    except (Exception, SystemExit) as error:  # whatever importing a stranger's package raises
        what = f"entry point {point.name} = {point.value} of framebench.{group}"
        return Broken(distribution=distribution, what=what, reason=reason_of(error))


def reason_of(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _locate(group: Group, package: str, distribution: str) -> Found:
    """Raises ImportError if there is no such package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{package} is no package")
    folder = Path(next(iter(spec.submodule_search_locations))).resolve()
    parts = package.split(".")
    if list(folder.parts[-len(parts) :]) != parts:  # a worker looks for it in such a folder
        raise ImportError(f"{package} lies in {folder}, expected a folder {'/'.join(parts)}")
    return Found(group=group, package=package, folder=folder, distribution=distribution)


def _holding(group: Group, *path: str) -> Found | None:
    """The first package of a group, ours before a plug-in's, with a file at a path; or None."""
    every = packages(group)
    return next((found for found in every if found.folder.joinpath(*path).is_file()), None)


def model_file(framework: str, network: str) -> Path | None:
    """The file with a framework's model of a network; None if there is none."""
    path = (framework, "models", f"{network}.py")
    found = _holding("frameworks", *path)
    return None if found is None else found.folder.joinpath(*path)


def model_module(framework: str, network: str) -> str | None:
    """The module with a framework's model of a network; None if there is none."""
    found = _holding("frameworks", framework, "models", f"{network}.py")
    return None if found is None else f"{found.package}.{framework}.models.{network}"


def adapter_module(framework: str) -> str | None:
    """The module with a framework's adapter; None if there is no such framework."""
    found = _holding("frameworks", framework, "framework.toml")
    return None if found is None else f"{found.package}.{framework}.adapter"


def module_of(group: Group, name: str) -> str | None:
    """The module that defines a task or a data set, by its file's name; None if there is none."""
    found = _holding(group, f"{name}.py")
    return None if found is None else f"{found.package}.{name}"


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """The modules that define the things of a group, by their names, and what cannot be used.

    Each module holds its thing as `attribute`.
    """

    attribute: str
    modules: Mapping[str, str]
    broken: tuple[Broken, ...]

    def load(self, name: str) -> Any:
        """The thing of that name."""
        return getattr(importlib.import_module(self.modules[name]), self.attribute)


def definitions(
    group: Group,
    *,
    word: str,
    attribute: str,
    expected: type,
    name_of: Callable[[str], str] = str,
    check: Callable[[Any], None] = lambda thing: None,
) -> Definitions:
    """The modules of a group, each of which defines an `expected` as its `attribute`.

    `name_of` turns a module's name into that of the thing, and `word` says what that is. A
    plug-in's module is imported, and `check` raises an exception for a thing that cannot be used.
    Our own are not, so that this takes no time: tests check them.
    """
    modules: dict[str, str] = {}
    first: dict[str, str] = {}  # which a worker takes, whether or not it is sound
    broken: list[Broken] = []
    for found in packages(group):
        for stem in found.modules():
            name, module = name_of(stem), f"{found.package}.{stem}"
            try:
                if first.setdefault(name, module) != module:
                    raise ValueError(f"{first[name]} defines {name!r} already")
                if found.distribution:
                    thing = getattr(importlib.import_module(module), attribute)
                    _check_thing(thing, name, word=word, attribute=attribute, expected=expected)
                    check(thing)
            except (Exception, SystemExit) as error:  # whatever a stranger's module raises
                reason = reason_of(error)
                broken.append(Broken(distribution=found.distribution, what=module, reason=reason))
            else:
                modules[name] = module
    return Definitions(attribute=attribute, modules=modules, broken=tuple(broken))


def _check_thing(thing: Any, name: str, *, word: str, attribute: str, expected: type) -> None:
    """Raises an error if a module holds something else than its name says."""
    if not issubclass(type(thing), expected):
        raise TypeError(
            f"its {attribute} is {type(thing).__name__}, where a {expected.__name__} is expected"
        )
    if thing.name != name:
        raise ValueError(f"its {word} is called {thing.name!r}, where its file says {name!r}")
