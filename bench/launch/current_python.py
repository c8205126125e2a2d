"""The interpreter that runs framebench in place of separate environments: `--env current`.

For clusters, containers and machines without a network, where only installed packages can be used.
A worker is then a process of the same Python and looks for packages in the same folders.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.launch.catalogue import TREE
from bench.launch.framework import Framework
from bench.launch.virtual_environments import Environment


def missing(framework: Framework) -> list[str]:
    """Modules that the framework's adapter imports and this interpreter cannot find.

    They are only looked for, never imported.
    """
    return [name for name in framework.modules if importlib.util.find_spec(name) is None]


def use(framework: Framework, device: str, listener: Listener) -> Environment:
    """A `Provider` of this interpreter, for a framework that it can import.

    Whether the installed build supports `device` shows only in the worker. Raises UnavailableError
    with the names of missing modules.
    """
    if absent := missing(framework):
        raise UnavailableError(f"this Python has no {', '.join(absent)}")
    return Environment(python=Path(sys.executable), packages=_packages(), path=_path())


def _packages() -> dict[str, str]:
    """The version of every installed package, or the imported version of one installed twice."""
    versions: dict[str, str] = {}
    for package in distributions():
        versions.setdefault(str(canonicalize_name(package.metadata["Name"])), package.version)
    return dict(sorted(versions.items()))


def _path() -> tuple[str, ...]:
    """Folders in which this interpreter looks for packages: PYTHONPATH, the user's site, ...

    The source tree is left out: `bench.worker.launch` makes its packages importable one by one.
    """
    return tuple(folder for folder in sys.path if folder and Path(folder).resolve() != TREE)
