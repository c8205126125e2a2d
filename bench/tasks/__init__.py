"""The tasks: every other file in this folder defines one, as `TASK`."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from bench.core.choices import check_choice
from bench.core.task import Task


@cache
def _names() -> tuple[str, ...]:
    files = Path(__file__).parent.glob("*.py")
    return tuple(sorted(file.stem.replace("_", "-") for file in files if file.stem != "__init__"))


def names() -> list[str]:
    """Every task's name, in alphabetical order."""
    return list(_names())


def load(name: str) -> Task:
    """The task of that name. Raises UsageError if there is none."""
    check_choice("task", name, _names())
    module = importlib.import_module(f"bench.tasks.{name.replace('-', '_')}")
    task: Task = module.TASK
    return task
