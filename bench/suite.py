"""A run from request to records: which cells, what they need, one job after another."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import bench
from bench import catalogue, data, machine, runner, schedule, tasks
from bench.catalogue import Framework
from bench.core.adapter import Device
from bench.core.errors import UnavailableError, UsageError
from bench.core.record import Cell, Feed, Job, Record
from bench.core.task import Budget
from bench.environments import Environment, Report, make_all
from bench.store import RunFolder

DataSource = Literal["auto", "real", "synthetic"]


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
        about="all tasks, enough training for accuracy to mean something",
        headline_only=False,
        repeats=5,
    ),
    "full": Preset(about="all tasks, the recipes as written", headline_only=False, repeats=3),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller wants. None leaves a value to the preset, or to the machine."""

    preset: str = "quick"
    frameworks: Sequence[str] = ()
    tasks: Sequence[str] = ()
    modes: Sequence[str] = ("recommended",)
    devices: Sequence[Device] = ("cpu",)
    threads: int | None = None
    repeats: int | None = None
    epochs: int | None = None
    train_examples: int | None = None
    test_examples: int | None = None
    length: int | None = None
    feed: Feed = "host"
    seed: int = 0
    data: DataSource = "auto"
    warmup: float = 2.0
    window: float = 0.1
    timeout: float = 300.0
    results: Path = Path("results")
    name: str | None = None
    command: str = ""


class Display(runner.Observer, Protocol):
    """Who is told how a run goes on."""

    def finished(self, record: Record) -> None: ...


def _choice(what: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise UsageError(f"no {what} is called {value!r}; there are: {', '.join(known)}")
    return value


def check(request: Request) -> None:
    """Raises UsageError for the first thing in the request that cannot be."""
    _choice("preset", request.preset, list(PRESETS))
    _choice("feed", request.feed, ["host", "device"])
    _choice("data source", request.data, ["auto", "real", "synthetic"])
    for device in request.devices:
        _choice("device", device, ["cpu", "cuda"])
    for name in ("threads", "repeats", "epochs", "train_examples", "test_examples", "length"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be 1 or more, not {value}")
    for name in ("warmup", "window", "timeout"):
        if getattr(request, name) <= 0:
            raise UsageError(
                f"--{name} must be more than 0 seconds, not {getattr(request, name):g}"
            )
    if request.seed < 0:
        raise UsageError(f"--seed must be 0 or more, not {request.seed}")
    if request.name is not None and not re.fullmatch(r"[\w.-]+", request.name):
        raise UsageError(f"--name {request.name!r}: use letters, digits, '.', '_' and '-' alone")


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


def cells(request: Request) -> list[Cell]:
    """Every cell that the request names. Raises UsageError if there is none."""
    preset = PRESETS[request.preset]
    every_task = [tasks.load(name) for name in request.tasks or tasks.names()]
    if not request.tasks and preset.headline_only:
        every_task = [task for task in every_task if task.headline]
    frameworks = [catalogue.load(name) for name in request.frameworks or catalogue.compared()]
    known = {mode for name in catalogue.names() for mode in catalogue.load(name).modes}
    for mode in request.modes:
        _choice("mode", mode, ["recommended", "all", *sorted(known)])
    found = [
        Cell(
            framework=framework.name,
            task=task.name,
            mode=mode,
            device=device,
            threads=request.threads or machine.usable_cores(),
            feed=request.feed,
        )
        for task in every_task
        for device in request.devices
        for framework in frameworks
        for mode in _modes(framework, request.modes)
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
    found = replace(known.presets[request.preset], **given)
    if found.train_examples is not None and found.train_examples < known.batch:
        raise UsageError(
            f"--train-examples {found.train_examples} does not fill one batch of {task}: "
            f"it takes {known.batch}"
        )
    return found


def _without_gpu(cell: Cell) -> str | None:
    """Why a cell cannot run on this machine, before any environment is made for it."""
    framework = catalogue.load(cell.framework)
    task = tasks.load(cell.task)
    if not framework.supports(task.network):
        return f"{framework.title} has no model for {cell.task}"
    if cell.device not in framework.devices:
        return f"{framework.title} is not offered on {cell.device}"
    if cell.device == "cuda" and not machine.gpus():
        return "no NVIDIA GPU is found on this machine"
    return None


class Suite:
    """One run, from its request to its folder."""

    def __init__(self, request: Request) -> None:
        """Raises UsageError for a request that cannot be met."""
        check(request)
        self.request = request
        self.cells = cells(request)
        self.budgets = {cell.task: budget(request, cell.task) for cell in self.cells}
        self.repeats = request.repeats or PRESETS[request.preset].repeats
        stamp = datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
        self.name = request.name or f"{stamp}-{request.preset}"
        self.folder = RunFolder(request.results / self.name)
        self._environments: dict[tuple[str, str], Environment | UnavailableError] = {}
        self._data: dict[str, Path] = {}
        self._refused = {cell: reason for cell in self.cells if (reason := _without_gpu(cell))}

    @property
    def job_count(self) -> int:
        return len(self.cells) * self.repeats

    def prepare_data(self, report: Report) -> None:
        """Fetch and parse what the tasks need. Raises DataError where `real` data cannot be had."""
        folders: dict[str, Path] = {}
        for task in self.budgets:
            dataset = tasks.load(task).dataset
            if dataset not in folders:
                folders[dataset] = data.prepare(
                    dataset,
                    source=self.request.data,
                    progress=lambda text, name=dataset: report(name, text),  # type: ignore[misc]
                )
                report(dataset, "ready")
            self._data[task] = folders[dataset]

    def prepare_environments(self, report: Report) -> None:
        """Make what is missing; a framework that cannot be had is left to its cells to tell."""
        for device in sorted({cell.device for cell in self.cells}):
            needed = {
                cell.framework
                for cell in self.cells
                if cell.device == device and cell not in self._refused
            }
            made = make_all([catalogue.load(name) for name in sorted(needed)], device, report)
            self._environments.update({(name, device): made[name] for name in made})

    def run(self, display: Display) -> None:
        """Every job in turn; each record is on the disk before the next job starts."""
        info = self._info()
        self.folder.write_info(info)
        begun = time.monotonic()
        jobs = schedule.plan(
            self.cells,
            repeats=self.repeats,
            seed=self.request.seed,
            budgets=self.budgets,
            data=self._data,
            warmup=self.request.warmup,
            window=self.request.window,
        )
        for number, job in enumerate(jobs, start=1):
            record = self._job(job, number, display)
            self.folder.append(record)
            display.finished(record)
        info["wall_seconds"] = round(time.monotonic() - begun, 1)
        self.folder.write_info(info)

    def _job(self, job: Job, number: int, display: Display) -> Record:
        cell = job.cell
        if reason := self._refused.get(cell):
            return runner.outcome(job, "unsupported", reason)
        environment = self._environments[cell.framework, cell.device]
        if isinstance(environment, UnavailableError):
            return runner.outcome(job, "unavailable", str(environment))
        log = f"{number:04d}-{cell.framework}-{cell.task}-{cell.mode}-{cell.device}.log"
        return runner.run_job(
            job,
            catalogue.load(cell.framework),
            environment,
            log=self.folder.logs / log,
            timeout=self.request.timeout,
            observer=display,
        )

    def _info(self) -> dict[str, Any]:
        made = {
            f"{framework} {device}": found.packages
            for (framework, device), found in self._environments.items()
            if isinstance(found, Environment)
        }
        used = sorted({cell.framework for cell in self.cells})
        return {
            "name": self.name,
            "command": self.request.command,
            "request": {
                key: value
                for key, value in asdict(self.request).items()
                if key not in ("results", "command")
            },
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "framebench": bench.__version__,
            "machine": machine.describe(),
            "environments": made,
            "source_digests": {
                name: catalogue.source_digest(catalogue.load(name)) for name in used
            },
        }
