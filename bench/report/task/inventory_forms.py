"""What `framebench list` shows: what there is, and what is missing and why."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from packaging.specifiers import SpecifierSet
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import datasets, tasks
from bench.core.errors import UnavailableError
from bench.core.listener import SILENT
from bench.launch import catalogue, current_python, environments, gpu, machine
from bench.launch.catalogue import Framework
from bench.launch.environments import Environment
from bench.launch.providers import EnvironmentKind
from bench.report.common import terminal


def _current(framework: Framework) -> tuple[Environment | None, str]:
    """The present interpreter if it can import the framework, and what there is to say of it."""
    try:
        return current_python.use(framework, "cpu", SILENT), "ready"
    except UnavailableError as error:
        return None, f"unavailable: {error}"


def _own(framework: Framework) -> tuple[Environment | None, str]:
    """The framework's own environment if it stands, and what there is to say of it."""
    version = platform.python_version()
    if environment := environments.find(framework, "cpu"):
        return environment, "ready"
    if version not in SpecifierSet(framework.python):
        return None, f"unavailable: needs Python {framework.python}, this is {version}"
    if reason := environments.why_not(framework, "cpu"):
        return None, f"could not be made: {reason}"
    return None, f"not made yet: `framebench setup {framework.name}` or the first run makes it"


def _framework(name: str, env: EnvironmentKind) -> dict[str, Any]:
    framework = catalogue.load(name)
    environment, state = _current(framework) if env == "current" else _own(framework)
    packages = environment.packages if environment else {}
    return {
        "name": name,
        "title": framework.title,
        "versions": {one: packages[one] for one in framework.packages if one in packages},
        "modes": list(framework.modes),
        "expert": asdict(framework.expert),
        "recommended": framework.recommended,
        "devices": list(framework.devices),
        "environment": state,
    }


def _task(name: str) -> dict[str, Any]:
    task = tasks.load(name)
    missing = [one for one in catalogue.names() if not catalogue.load(one).supports(task.network)]
    return {
        "name": name,
        "title": task.title,
        "headline": task.headline,
        "heavy": task.heavy,
        "dataset": task.dataset,
        "parameters": task.parameter_count,
        "batch": task.batch,
        "missing_in": missing,
    }


def collect(env: EnvironmentKind) -> dict[str, Any]:
    """Everything, as plain data. Nothing is made, fetched or imported for it."""
    gpus = gpu.find()
    return {
        "frameworks": [_framework(name, env) for name in catalogue.names()],
        "tasks": [_task(name) for name in tasks.names()],
        "data": [{"name": name, "state": datasets.status(name)} for name in datasets.names()],
        "devices": {
            "cpu": f"{machine.usable_cores()} usable cores",
            "cuda": ", ".join(one["name"] for one in gpus) or "missing: no NVIDIA GPU is found",
        },
    }


def to_json(env: EnvironmentKind) -> str:
    """The inventory as JSON."""
    return json.dumps(collect(env), indent=2)


def to_terminal(env: EnvironmentKind, *, width: int) -> Group:
    """The inventory as tables, for rich to print on so many columns: 80 are enough."""
    found = collect(env)
    devices = [
        (name, Text(state, "yellow" if state.startswith("missing") else "green"))
        for name, state in found["devices"].items()
    ]
    sets = [(one["name"], one["state"]) for one in found["data"]]
    return Group(
        *_frameworks(found["frameworks"], width),
        *_tasks(found["tasks"]),
        *_titled("Data", terminal.grid(("name", "state"), sets, words=2, folding=("state",))),
        *_titled("Devices", terminal.grid(("name", "state"), devices, words=2, folding=("state",))),
    )


def _titled(title: str, table: Table) -> tuple[RenderableType, ...]:
    return Text(title, "bold"), table, Text()


def _frameworks(found: Sequence[dict[str, Any]], width: int) -> Iterator[RenderableType]:
    """What is missing is a word in the table, and a line under it that says why."""
    headings = ("name", "versions", "modes (* recommended)", "devices", "environment")
    states = [one["environment"].partition(": ")[::2] for one in found]

    def rows(between: str) -> list[tuple[str, ...]]:
        return [
            (
                one["name"],
                between.join(f"{name} {value}" for name, value in one["versions"].items()),
                ", ".join(mode + "*" * (mode == one["recommended"]) for mode in one["modes"]),
                ", ".join(one["devices"]),
                state,
            )
            for one, (state, _) in zip(found, states, strict=True)
        ]

    beside = terminal.fits([headings, *rows(", ")], width)
    styled: list[tuple[str | Text, ...]] = [
        (*row, Text(state, "green" if state == "ready" else "yellow"))
        for *row, state in rows(", " if beside else "\n")
    ]
    grid = terminal.grid(headings, styled, words=len(headings), folding=headings[2:3])
    yield from _titled("Frameworks", grid)
    missing = [f"{one['name']}: {why}" for one, (_, why) in zip(found, states, strict=True) if why]
    if missing:
        yield Text("\n".join([*missing, ""]), "yellow")


def _tasks(found: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    rows = []
    for one in found:
        name = one["name"] + "*" * one["headline"] + "+" * one["heavy"]
        without = f" (not in {', '.join(one['missing_in'])})" if one["missing_in"] else ""
        figures = (f"{one['parameters']:,}", str(one["batch"]))
        rows.append((name, one["title"] + without, one["dataset"], *figures))
    headings = ("name", "title", "data", "parameters", "batch")
    grid = terminal.grid(headings, rows, words=3, folding=("title",))
    yield from _titled("Tasks (* headline, + heavy: on a GPU, or by name)", grid)
