"""Start a worker: `python -I launch.py CHANNEL [FOLDER...]`, with a Job's JSON on standard input.

A worker runs under its framework's own Python, where framebench is not installed. This file lends
it the packages `bench` and `frameworks` from the tree that it lies in, and nothing else of the
runner's environment: putting that tree on sys.path would bring the runner's numpy with it. Where
the runner's own Python is to be used, the FOLDERs are those in which that looks for packages.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path


def lend(name: str, root: Path) -> None:
    """Make the package `root/name` importable, and no other package that lies in `root`."""
    spec = importlib.util.spec_from_file_location(
        name, root / name / "__init__.py", submodule_search_locations=[str(root / name)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    tree = Path(__file__).resolve().parents[2]
    sys.path += [folder for folder in sys.argv[2:] if folder not in sys.path]
    lend("bench", tree)
    lend("frameworks", tree)
    from bench.worker.main import main

    main(int(sys.argv[1]))
