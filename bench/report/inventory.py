"""What `framebench list` shows: what there is, and what is missing and why."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from typing import Any

from packaging.specifiers import SpecifierSet
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bench import catalogue, data, environments, gpu, interpreter, machine, tasks
from bench.catalogue import Framework
from bench.core.errors import UnavailableError
from bench.environments import Environment
from bench.request import EnvironmentKind


def _current(framework: Framework) -> tuple[Environment | None, str]:
    """The present interpreter if it can import the framework, and what there is to say of it."""
    try:
        return interpreter.use(framework, "cpu", _tell_nobody), "ready"
    except UnavailableError as error:
        return None, f"unavailable: {error}"


def _tell_nobody(name: str, state: str, *, final: bool = False) -> None: ...


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
        "data": [{"name": name, "state": data.status(name)} for name in data.names()],
        "devices": {
            "cpu": f"{machine.usable_cores()} usable cores",
            "cuda": ", ".join(one["name"] for one in gpus) or "missing: no NVIDIA GPU is found",
        },
    }


def to_json(env: EnvironmentKind) -> str:
    """The inventory as JSON."""
    return json.dumps(collect(env), indent=2)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading)
    return table


def to_terminal(env: EnvironmentKind) -> Group:
    """The inventory as tables, for rich to print."""
    found = collect(env)
    frameworks = _table(
        "Frameworks", "name", "versions", "modes (* recommended)", "devices", "environment"
    )
    for one in found["frameworks"]:
        modes = [mode + "*" * (mode == one["recommended"]) for mode in one["modes"]]
        versions = ", ".join(f"{name} {value}" for name, value in one["versions"].items())
        style = "green" if one["environment"] == "ready" else "yellow"
        state = Text(one["environment"], style)
        offered = ", ".join(one["devices"])
        frameworks.add_row(one["name"], versions, ", ".join(modes), offered, state)
    works = _table("Tasks (* headline)", "name", "title", "data", "parameters", "batch")
    for one in found["tasks"]:
        name = one["name"] + "*" * one["headline"]
        without = f" (not in {', '.join(one['missing_in'])})" if one["missing_in"] else ""
        figures = (f"{one['parameters']:,}", str(one["batch"]))
        works.add_row(name, one["title"] + without, one["dataset"], *figures)
    sets = _table("Data", "name", "state")
    for one in found["data"]:
        sets.add_row(one["name"], one["state"])
    devices = _table("Devices", "name", "state")
    for name, state in found["devices"].items():
        devices.add_row(name, Text(state, "yellow" if state.startswith("missing") else "green"))
    return Group(frameworks, works, sets, devices)
