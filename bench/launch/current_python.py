"""The interpreter that runs framebench in place of separate environments: `--env current`.

For clusters, containers and machines without a network, where only installed packages can be used.
A worker is then a process of the same Python and looks for packages in the same folders.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.launch import variants
from bench.launch.catalogue import TREE
from bench.launch.framework import Framework
from bench.launch.installed_files import RECORD, list_digest
from bench.launch.virtual_environments import Environment


def missing(framework: Framework) -> list[str]:
    """Modules that the framework's adapter imports and this interpreter cannot find.

    They are only looked for, never imported.
    """
    return [name for name in framework.modules if importlib.util.find_spec(name) is None]


def use(framework: Framework, device: str, listener: Listener) -> Environment:
    """A `Provider` of this interpreter, for a framework that it can import.

    Whether the installed build supports `device` shows only in the worker. Raises UnavailableError
    with the names of missing modules, and if it has not the versions that a variant asks for.
    """
    if absent := missing(framework):
        raise UnavailableError(f"this Python has no {', '.join(absent)}")
    installed = sorted(_distributions().items())
    _check_versions(framework, {name: package.version for name, package in installed})
    texts = {name: package.read_text(RECORD) for name, package in installed}
    return Environment(
        python=Path(sys.executable),
        packages={name: package.version for name, package in installed},
        records={
            name: list_digest(text.encode()) for name, text in texts.items() if text is not None
        },
        path=_path(),
    )


def _check_versions(framework: Framework, versions: Mapping[str, str]) -> None:
    """Raises UnavailableError if the versions are not those that a variant asks for."""
    wanted = variants.wanted_versions(framework.variant, framework.packages, versions)
    for name, specifier in wanted.items():
        has = versions.get(name)
        if has is None or not specifier.contains(has, prereleases=True):
            raise UnavailableError(f"in this Python {name} is {has or 'missing'}, not {specifier}")


def _distributions() -> dict[str, Distribution]:
    """Every installed package by its name; of one installed twice, that which is imported."""
    found: dict[str, Distribution] = {}
    for package in distributions():
        if "Name" in package.metadata:  # an interrupted removal leaves one without
            found.setdefault(str(canonicalize_name(package.metadata["Name"])), package)
    return found


def _path() -> tuple[str, ...]:
    """Folders in which this interpreter looks for packages: PYTHONPATH, the user's site, ...

    The source tree is left out: `bench.worker.launch` makes its packages importable one by one.
    """
    return tuple(
        str(Path(folder).absolute())
        for folder in sys.path
        if folder and Path(folder).resolve() != TREE
    )
