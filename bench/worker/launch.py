"""Start a worker: `python -I launch.py CHANNEL PLUGINS [FOLDER...]`, with a job on standard input.

A worker runs under its framework's own Python, where framebench is not installed. This file makes
the packages `bench` and `frameworks` of its own source tree importable, and nothing else of the
runner's environment: putting the tree's folder on sys.path could bring in the runner's numpy.
PLUGINS are the packages of plug-ins, which are lent in the same way: a JSON list of
`[group, package, folder of the package]`. If the runner's own Python is to be used, the FOLDERs are
those in which it looks for packages.
"""

import json
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


class Lender:
    """Finds the packages that are lent, and no other package that lies beside one of them.

    A plug-in is imported only when something of it is needed, so that one that this environment
    cannot import does not keep the worker from anything else.
    """

    def __init__(self) -> None:
        self.roots: dict[str, list[str]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Where a lent package is; None for any other module."""
        return PathFinder.find_spec(name, self.roots[name]) if name in self.roots else None


_LENDER = Lender()


def lend(name: str, root: Path) -> None:
    """Make the package `root/name` importable; a namespace package may lie in several roots."""
    if _LENDER not in sys.meta_path:
        sys.meta_path.insert(0, _LENDER)  # before the environment's own packages of such a name
    _LENDER.roots.setdefault(name, []).append(str(root))


if __name__ == "__main__":
    tree = Path(__file__).resolve().parents[2]
    # In the runner's order, so that of a package that is there twice the same one is imported.
    sys.path[:] = dict.fromkeys([*sys.argv[3:], *sys.path])
    lend("bench", tree)
    lend("frameworks", tree)
    from bench.core import plugins

    found = [
        plugins.Found(group=group, package=package, folder=Path(folder), distribution=package)
        for group, package, folder in json.loads(sys.argv[2])
    ]
    for name, root in dict.fromkeys(package.top for package in found):
        lend(name, root)
    plugins.declare(found)
    from bench.worker.main import main

    main(int(sys.argv[1]))
