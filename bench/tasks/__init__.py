"""The tasks: one file each, one `TASK` in each. They are found by listing this folder."""

from __future__ import annotations

import importlib
from pathlib import Path

from bench.core.errors import UsageError
from bench.core.task import Task


def names() -> list[str]:
    """Every task's name, in alphabetical order."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(file.stem.replace("_", "-") for file in files if file.stem != "__init__")


def load(name: str) -> Task:
    """The task of that name. Raises UsageError if there is none."""
    if name not in names():
        raise UsageError(f"no task is called {name!r}; there are: {', '.join(names())}")
    module = importlib.import_module(f"bench.tasks.{name.replace('-', '_')}")
    task: Task = module.TASK
    return task
