"""The present interpreter in place of environments: `--env current`.

For clusters, containers and machines without a network, where what is installed is what there is.
A worker is then a process of the Python that runs framebench, and finds packages where that does.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.launch.catalogue import TREE, Framework
from bench.launch.environments import Environment


def missing(framework: Framework) -> list[str]:
    """The modules that the framework's adapter needs and this interpreter does not find.

    They are looked for, not imported.
    """
    return [name for name in framework.modules if importlib.util.find_spec(name) is None]


def use(framework: Framework, device: str, listener: Listener) -> Environment:
    """The present interpreter, for a framework that it can import.

    Whether what is installed has the device is for the framework to tell, in its worker. Raises
    UnavailableError with the modules that are missing.
    """
    if absent := missing(framework):
        raise UnavailableError(f"this Python has no {', '.join(absent)}")
    return Environment(python=Path(sys.executable), packages=_packages(), path=_path())


def _packages() -> dict[str, str]:
    """Every installed package with its version; of one installed twice, the one that is met."""
    found: dict[str, str] = {}
    for one in distributions():
        found.setdefault(str(canonicalize_name(one.metadata["Name"])), one.version)
    return dict(sorted(found.items()))


def _path() -> tuple[str, ...]:
    """Where this interpreter looks for packages (PYTHONPATH, the user's own among them).

    Not the source tree: it is lent to workers package by package.
    """
    return tuple(folder for folder in sys.path if folder and Path(folder).resolve() != TREE)
