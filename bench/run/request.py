"""What the caller wants, checked: presets, what overrides them, and the cells that come of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench import tasks
from bench.core.errors import UsageError
from bench.core.record import Cell, Feed
from bench.core.setting import EPSILONS, Device, Precision, Setting, Tuning
from bench.core.task import Budget, TokenInput
from bench.launch import catalogue, current_python, environments, gpu, machine
from bench.launch.catalogue import Framework
from bench.launch.environments import Provider

DataSource = Literal["auto", "real", "synthetic"]
EnvironmentKind = Literal["own", "current"]

# Where a framework's environment comes from.
PROVIDERS: Mapping[EnvironmentKind, Provider] = {
    "own": environments.make,
    "current": current_python.use,
}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How much a preset does besides the tasks' own budgets for it."""

    about: str
    headline_only: bool
    repeats: int


PRESETS = {
    "quick": Preset(
        about="the three headline tasks, shortened: a first look in a few minutes",
        headline_only=True,
        repeats=3,
    ),
    "standard": Preset(
        about="all tasks but heavy ones on a CPU, enough training for accuracy to mean something",
        headline_only=False,
        repeats=5,
    ),
    "full": Preset(
        about="all tasks but heavy ones on a CPU, the recipes as written",
        headline_only=False,
        repeats=3,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller wants. None leaves a value to the preset, or to the machine."""

    preset: str = "quick"
    frameworks: Sequence[str] = ()
    tasks: Sequence[str] = ()
    modes: Sequence[str] = ("recommended",)
    devices: Sequence[Device | Literal["auto"]] = ("cpu",)
    precisions: Sequence[Precision] = ("float32",)
    tunings: Sequence[Tuning] = ("expert",)
    threads: int | None = None
    repeats: int | None = None
    epochs: int | None = None
    train_examples: int | None = None
    test_examples: int | None = None
    length: int | None = None
    feed: Feed = "host"
    seed: int = 0
    data: DataSource = "auto"
    env: EnvironmentKind = "own"
    warmup: float = 2.0
    window: float = 0.1
    timeout: float = 300.0
    spare: int | None = None
    until: float | None = None
    budget_seconds: float | None = None
    results: Path = Path("results")
    name: str | None = None
    command: str = ""


def fraction(text: str) -> float:
    """A percentage such as "2%", or a fraction such as "0.02". Raises UsageError for another."""
    found = re.fullmatch(r"(\d*\.?\d+)(%?)", text.strip())
    if not found:
        raise UsageError(f"{text!r} is no percentage: write 2% or 0.02")
    return float(found[1]) / (100 if found[2] else 1)


def duration(text: str) -> float:
    """Seconds from "90s", "30m", "2h", or a number of seconds. Raises UsageError for another."""
    found = re.fullmatch(r"(\d*\.?\d+)([smh]?)", text.strip())
    if not found:
        raise UsageError(f"{text!r} is no span of time: write 90s, 30m or 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _choice(what: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise UsageError(f"no {what} is called {value!r}; there are: {', '.join(known)}")
    return value


def check(request: Request) -> None:
    """Raises UsageError for the first thing in the request that cannot be."""
    _choice("preset", request.preset, list(PRESETS))
    _choice("feed", request.feed, ["host", "device"])
    _choice("data source", request.data, ["auto", "real", "synthetic"])
    _choice("kind of environment", request.env, list(PROVIDERS))
    for device in request.devices:
        _choice("device", device, ["cpu", "cuda", "auto"])
    for precision in request.precisions:
        _choice("precision", precision, list(EPSILONS))
    for tuning in request.tunings:
        _choice("tuning", tuning, ["expert", "default"])
    _check_numbers(request)
    if request.name is not None and not re.fullmatch(r"[\w.-]+", request.name):
        raise UsageError(f"--name {request.name!r}: use letters, digits, '.', '_' and '-' alone")


def _check_numbers(request: Request) -> None:
    for name in ("threads", "repeats", "epochs", "train_examples", "test_examples", "length"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be 1 or more, not {value}")
    for name in ("warmup", "window", "timeout"):
        if getattr(request, name) <= 0:
            raise UsageError(
                f"--{name} must be more than 0 seconds, not {getattr(request, name):g}"
            )
    if request.until is not None and not 0 < request.until < 1:
        raise UsageError(f"--until must be between 0% and 100%, not {request.until:.3%}")
    if request.until is not None and (request.repeats or 2) < 2:
        raise UsageError("--until needs 2 repeats or more: one alone has no interval")
    if request.budget_seconds is not None:
        if request.until is None:
            raise UsageError("--budget bounds --until: give both")
        if request.budget_seconds <= 0:
            raise UsageError("--budget must be more than 0 seconds")
    if request.spare is not None and request.spare < 0:
        raise UsageError(f"--spare must be 0 or more, not {request.spare}")
    if request.seed < 0:
        raise UsageError(f"--seed must be 0 or more, not {request.seed}")


def _modes(framework: Framework, wanted: Sequence[str]) -> list[str]:
    """The framework's modes among those wanted: `recommended`, `all`, or by name."""
    modes = []
    for mode in wanted:
        if mode == "all":
            modes += list(framework.modes)
        elif mode == "recommended":
            modes.append(framework.recommended)
        elif mode in framework.modes:
            modes.append(mode)
    return list(dict.fromkeys(modes))


def devices(wanted: Iterable[Device | Literal["auto"]]) -> list[Device]:
    """The devices of a request: `auto` is the CPU and, where there is one, the GPU."""
    found: list[Device] = []
    for one in wanted:
        if one != "auto":
            found.append(one)
        else:
            found += ["cpu", "cuda"] if gpu.find() else ["cpu"]
    return list(dict.fromkeys(found))


def _frameworks(request: Request) -> list[Framework]:
    """Those that are named, else all; of the present interpreter all that it can import."""
    if request.frameworks:
        return [catalogue.load(name) for name in request.frameworks]
    every = [catalogue.load(name) for name in catalogue.compared()]
    if request.env == "own":
        return every
    if found := [one for one in every if not current_python.missing(one)]:
        return found
    modules = ", ".join(one.modules[0] for one in every)
    raise UsageError(f"--env current: this Python can import none of {modules}")


def cells(request: Request) -> list[Cell]:
    """Every cell that the request names. Raises UsageError if there is none.

    Where it names no tasks, a heavy one has no cells on the CPU.
    """
    preset = PRESETS[request.preset]
    every_task = [tasks.load(name) for name in request.tasks or tasks.names()]
    if not request.tasks and preset.headline_only:
        every_task = [task for task in every_task if task.headline]
    frameworks = _frameworks(request)
    known = {mode for name in catalogue.names() for mode in catalogue.load(name).modes}
    for mode in request.modes:
        _choice("mode", mode, ["recommended", "all", *sorted(known)])
    threads = request.threads or machine.usable_cores()
    found = [
        Cell(
            framework=framework.name,
            task=task.name,
            mode=mode,
            setting=Setting(device=device, precision=precision, threads=threads, tuning=tuning),
            feed=request.feed,
        )
        for task in every_task
        for device in devices(request.devices)
        if request.tasks or device == "cuda" or not task.heavy
        for precision in request.precisions
        for framework in frameworks
        for mode in _modes(framework, request.modes)
        for tuning in request.tunings
    ]
    if not found:
        raise UsageError("no framework that was asked for has any of the modes that were asked for")
    return list(dict.fromkeys(found))


def budget(request: Request, task: str) -> Budget:
    """The task's budget under the request's preset, with what the request overrides."""
    wanted = {
        name: getattr(request, name)
        for name in ("epochs", "train_examples", "test_examples", "length")
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    known = tasks.load(task)
    if not isinstance(known.input, TokenInput):
        given.pop("length", None)
    found = replace(known.presets[request.preset], **given)
    if found.train_examples is not None and found.train_examples < known.batch:
        raise UsageError(
            f"--train-examples {found.train_examples} does not fill one batch of {task}: "
            f"it takes {known.batch}"
        )
    return found
