"""Start a worker: `python -I launch.py CHANNEL [FOLDER...]`, with a Job's JSON on standard input.

A worker runs under its framework's own Python, where framebench is not installed. This file makes
the packages `bench` and `frameworks` of its own source tree importable, and nothing else of the
runner's environment: putting the tree's folder on sys.path could bring in the runner's numpy. If
the runner's own Python is to be used, the FOLDERs are those in which it looks for packages.
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
