"""What framebench can use on this machine: frameworks, tasks, data and devices.

Finding out installs, downloads and imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from bench import datasets, tasks
from bench.core import plugins
from bench.core.errors import UnavailableError
from bench.core.listener import SILENT
from bench.core.plugins import Broken, Found
from bench.core.telemetry import NAMELESS_GPU
from bench.health.installation import READY, environment_state
from bench.launch import catalogue, current_python, gpu_state, machine, virtual_environments
from bench.launch.framework import Expert, Framework
from bench.launch.providers import EnvironmentKind
from bench.launch.virtual_environments import Environment

MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class FrameworkAvailability:
    """A framework, the package versions in its environment, and the environment's state.

    `environment` is `READY`, or says what is missing, with the reason after a colon.
    """

    name: str
    title: str
    versions: Mapping[str, str]
    modes: tuple[str, ...]
    expert: Expert
    recommended: str
    devices: tuple[str, ...]
    environment: str

    @staticmethod
    def of(framework: Framework, env: EnvironmentKind) -> FrameworkAvailability:
        find = _current if env == "current" else environment_state
        environment, state = find(framework)
        packages = environment.packages if environment else {}
        return FrameworkAvailability(
            name=framework.name,
            title=framework.title,
            versions={name: packages[name] for name in framework.packages if name in packages},
            modes=tuple(framework.modes),
            expert=framework.expert,
            recommended=framework.recommended,
            devices=framework.devices,
            environment=state,
        )


@dataclass(frozen=True, kw_only=True)
class TaskAvailability:
    """A task, and the frameworks that have no model of its network."""

    name: str
    title: str
    headline: bool
    heavy: bool
    dataset: str
    parameters: int
    batch: int
    missing_in: tuple[str, ...]

    @staticmethod
    def of(name: str) -> TaskAvailability:
        task = tasks.load(name)
        return TaskAvailability(
            name=name,
            title=task.title,
            headline=task.headline,
            heavy=task.heavy,
            dataset=task.dataset,
            parameters=task.parameter_count,
            batch=task.batch,
            missing_in=tuple(
                framework
                for framework in catalogue.families()
                if not catalogue.load(framework).supports(task.network)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DataAvailability:
    """A data set, and where it is or how to get it."""

    name: str
    state: str


@dataclass(frozen=True, kw_only=True)
class PluginAvailability:
    """An installed plug-in: what it adds, and what of it cannot be used, with the reasons."""

    name: str
    adds: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All frameworks, tasks, data sets, plug-ins and devices, whose kinds `devices` describes."""

    frameworks: tuple[FrameworkAvailability, ...]
    tasks: tuple[TaskAvailability, ...]
    data: tuple[DataAvailability, ...]
    plugins: tuple[PluginAvailability, ...]
    devices: Mapping[str, str]


def take_inventory(env: EnvironmentKind) -> Inventory:
    """Look at this machine, with each framework's own environment or the current Python."""
    gpus = ", ".join(device["name"] or NAMELESS_GPU for device in gpu_state.find())
    cores = machine.usable_cores()
    return Inventory(
        frameworks=tuple(FrameworkAvailability.of(catalogue.load(name), env) for name in _names()),
        tasks=tuple(TaskAvailability.of(name) for name in tasks.names()),
        data=tuple(
            DataAvailability(name=name, state=datasets.status(name)) for name in datasets.names()
        ),
        plugins=tuple(_plugins()),
        devices={
            "cpu": f"{cores} usable core{'s' * (cores != 1)}",
            "cuda": gpus or f"{MISSING}: no NVIDIA GPU found",
        },
    )


def _names() -> list[str]:
    """The frameworks, on each of their backends, and the other versions that have been made."""
    made = filter(catalogue.exists, virtual_environments.standing())
    return sorted({*catalogue.names(), *made})


def _plugins() -> Iterator[PluginAvailability]:
    """Every plug-in, in the order in which they are found."""
    added: dict[str, list[str]] = {}
    for found in plugins.plugins():
        added.setdefault(found.distribution, []).extend(_added(found))
    broken = broken_plugins()
    for name in dict.fromkeys([*added, *(part.distribution for part in broken)]):
        reasons = (f"{part.what}: {part.reason}" for part in broken if part.distribution == name)
        yield PluginAvailability(name=name, adds=tuple(added.get(name, ())), broken=tuple(reasons))


def broken_plugins() -> list[Broken]:
    """Every part of a plug-in that cannot be used."""
    parts = (catalogue.broken(), tasks.broken(), datasets.broken())
    return [*plugins.broken_packages(), *chain.from_iterable(parts)]


def _added(found: Found) -> Iterator[str]:
    """What a plug-in's package adds, such as "task xor"."""
    if found.group == "frameworks":
        for name in catalogue.families():
            if catalogue.load(name).folder.parent == found.folder:
                yield f"framework {name}"
            elif (found.folder / name / "models").is_dir():
                yield f"models for {name}"
    elif found.group == "tasks":
        for name in tasks.names():
            if tasks.module(name).rpartition(".")[0] == found.package:
                yield f"task {name}"
    else:
        for name in datasets.names():
            if plugins.module_of("datasets", name) == f"{found.package}.{name}":
                yield f"data set {name}"


def _current(framework: Framework) -> tuple[Environment | None, str]:
    """The current interpreter's environment if it has the framework, and the state."""
    try:
        return current_python.use(framework, "cpu", SILENT), READY
    except UnavailableError as error:
        return None, f"unavailable: {error}"
