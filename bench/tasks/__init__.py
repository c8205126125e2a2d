"""The tasks: every other file in this folder defines one, as `TASK`; so do plug-ins' files."""

from __future__ import annotations

import importlib
from functools import cache

from bench.core import plugins
from bench.core.choices import check_choice
from bench.core.plugins import Broken, Definitions
from bench.core.presets import PRESETS
from bench.core.task import Task


@cache
def _definitions() -> Definitions:
    return plugins.definitions(
        "tasks",
        word="task",
        attribute="TASK",
        expected=Task,
        name_of=lambda stem: stem.replace("_", "-"),
        check=_check,
    )


def _check(task: Task) -> None:
    """Raises an error that says what a plug-in's task lacks."""
    if absent := sorted(PRESETS.keys() - task.presets.keys()):
        raise ValueError(f"it has no budget for the presets {', '.join(absent)}")
    if plugins.model_file("reference", task.network) is None:
        raise ValueError(f"there is no model reference/models/{task.network}.py to prove it by")
    dataset = plugins.module_of("datasets", task.dataset)
    if dataset is None:
        raise ValueError(f"there is no data set {task.dataset!r}")
    try:
        importlib.import_module(dataset).DATASET  # noqa: B018
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        reason = plugins.reason_of(error)
        raise ValueError(f"its data set {task.dataset!r} cannot be used: {reason}") from error


def names() -> list[str]:
    """Every task's name, in alphabetical order."""
    return sorted(_definitions().modules)


def load(name: str) -> Task:
    """The task of that name. Raises UsageError if there is none."""
    check_choice("task", name, names())
    task: Task = _definitions().load(name)
    return task


def module(name: str) -> str:
    """The module that defines a task. Raises UsageError if there is none of that name."""
    check_choice("task", name, names())
    return _definitions().modules[name]


def broken() -> tuple[Broken, ...]:
    """Plug-ins' tasks that cannot be used."""
    return _definitions().broken
