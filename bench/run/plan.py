"""The plan of a run: the cells that a request names, how long each trains, when the run stops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from bench import tasks
from bench.analysis.stopping import Stopping
from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.core.presets import PRESETS
from bench.core.record import Cell
from bench.core.setting import Device, Setting
from bench.core.task import Budget, Task
from bench.launch import catalogue, current_python, gpu_state, machine
from bench.launch.framework import Framework
from bench.records import snapshot_taking
from bench.records.run_folder import check_writable
from bench.run import given_weights
from bench.run.request import Request, check
from bench.run.task_blocks import TaskBlock, planned

# Seconds that --until may take where the request sets no budget.
DEFAULT_BUDGET_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run before anything is done for it.

    `whole` are the cells that the request names, by which its blocks are laid out, and `cells`
    those that are measured here: all of them, or those of a shard's tasks. `refused` gives the
    reason for each cell that cannot run on this machine, which stays in the table. `budgets` is by
    task. `folder` is where the run will be written.
    """

    request: Request
    whole: Sequence[Cell]
    cells: Sequence[Cell]
    refused: Mapping[Cell, str]
    budgets: Mapping[str, Budget]
    stopping: Stopping
    name: str
    folder: Path

    @property
    def seconds(self) -> float:
        """The least time for which each process is timed."""
        if self.request.seconds is not None:
            return self.request.seconds
        return PRESETS[self.request.preset].seconds

    @property
    def samples(self) -> bool:
        """Whether trained networks show what they have learned."""
        return PRESETS[self.request.preset].samples


def make_plan(request: Request, *, weights: Path | None = None) -> Plan:
    """The plan for a request, with the weights in a user's file, if there is one.

    Raises UsageError for a request that cannot be met.
    """
    check(request)
    if weights is not None:
        named = [cell.task for cell in cells_of(request)]
        request = replace(request, weights=given_weights.keep(weights, named))
    stamp = datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    shard = f"-shard-{request.shard.number}-of-{request.shard.count}" if request.shard else ""
    folder = request.results / (request.name or f"{stamp}-{request.preset}{shard}")
    plan = plan_in(folder, request)
    check_writable(folder)
    return plan


def plan_in(folder: Path, request: Request) -> Plan:
    """The plan for a request that has been checked, in a folder that may hold some of it already.

    Raises UsageError if there is nothing to run.
    """
    whole = cells_of(request)
    repeats = request.repeats or PRESETS[request.preset].repeats
    own = {part.task for part in _parts(request, whole, repeats)}
    cells = [cell for cell in whole if cell.task in own]
    return Plan(
        request=request,
        whole=whole,
        cells=cells,
        refused=refusals(cells),
        budgets={cell.task: budget_of(request, cell.task) for cell in whole},
        stopping=Stopping(
            repeats=repeats,
            spare=_spare(request, repeats),
            until=request.until,
            seconds=request.budget_seconds or DEFAULT_BUDGET_SECONDS,
            metrics=snapshot_taking.metric,
        ),
        name=folder.name,
        folder=folder,
    )


def _parts(request: Request, whole: Sequence[Cell], repeats: int) -> list[TaskBlock]:
    """The blocks of tasks that are measured. Raises UsageError for a shard that has none."""
    parts = planned(whole, seed=request.seed, blocks=repeats, shard=request.shard)
    if not parts:
        count = len(planned(whole, seed=request.seed, blocks=repeats, shard=None))
        raise UsageError(
            f"--shard {request.shard} has nothing to measure: the run has {count} blocks of a task "
            "in all, so make at most as many shards"
        )
    return parts


def _spare(request: Request, repeats: int) -> int:
    """How many blocks may be added in place of disturbed ones: at most half as many again.

    A single repeat gives no interval to repair, and a shard or a node knows only its own blocks.
    """
    if request.spare is not None:
        return request.spare
    return 0 if request.shard or request.engine == "ray" else repeats // 2


def refusals(cells: Iterable[Cell]) -> dict[Cell, str]:
    """The reason for each cell that cannot run on this machine, whatever is installed."""
    return {cell: reason for cell in cells if (reason := refusal(cell))}


def refusal(cell: Cell) -> str | None:
    """Why a cell cannot run on this machine, whatever is installed; None if it can."""
    framework = catalogue.load(cell.framework)
    task = tasks.load(cell.task)
    if not framework.supports(task.network):
        return f"{framework.title} has no model for {cell.task}"
    if cell.device not in framework.devices:
        return f"{framework.title} is not offered on {cell.device}"
    if not framework.computes(cell.precision, cell.device):
        return f"{framework.title} has no {cell.precision} on {cell.device}"
    if cell.device == "cuda" and not gpu_state.usable():
        return "no NVIDIA GPU is found on this machine, or CUDA_VISIBLE_DEVICES hides it"
    return None


def cells_of(request: Request) -> list[Cell]:
    """Every cell that the request names. Raises UsageError if there is none.

    Heavy tasks have cells on the CPU only if the request names them.
    """
    frameworks = _frameworks(request)
    _check_modes(request)
    threads = request.threads or machine.usable_cores()
    cells = [
        Cell(
            framework=framework.name,
            task=task.name,
            mode=mode,
            setting=Setting(device=device, precision=precision, threads=threads, tuning=tuning),
            feed=request.feed,
        )
        for task in _tasks(request)
        for device in devices_of(request.devices)
        if request.tasks or device == "cuda" or not task.heavy
        for precision in request.precisions
        for framework in frameworks
        for mode in _modes(framework, request.modes)
        for tuning in request.tunings
    ]
    if not cells:
        raise UsageError("none of the requested frameworks has any of the requested modes")
    return list(dict.fromkeys(cells))


def _tasks(request: Request) -> list[Task]:
    """The named tasks, or else those of the preset."""
    if request.tasks:
        return [tasks.load(name) for name in request.tasks]
    all_tasks = [tasks.load(name) for name in tasks.names()]
    headline_only = PRESETS[request.preset].headline_only
    return [task for task in all_tasks if task.headline or not headline_only]


def _frameworks(request: Request) -> list[Framework]:
    """The named frameworks, or the usual ones; with `--env current`, all that can be imported."""
    if request.frameworks:
        return [variant for name in request.frameworks for variant in catalogue.named(name)]
    compared = [catalogue.load(name) for name in catalogue.usual()]
    if request.env != "current":
        return compared
    importable = [framework for framework in compared if not current_python.missing(framework)]
    if not importable:
        modules = ", ".join(framework.modules[0] for framework in compared)
        raise UsageError(f"--env current: this Python cannot import any of {modules}")
    return importable


def _check_modes(request: Request) -> None:
    for mode in request.modes:
        check_choice("mode", mode, ["recommended", "all", *catalogue.modes()])


def _modes(framework: Framework, requested: Sequence[str]) -> list[str]:
    """The framework's modes among those requested: `recommended`, `all`, or by name."""
    modes = []
    for mode in requested:
        if mode == "all":
            modes += list(framework.modes)
        elif mode == "recommended":
            modes.append(framework.recommended)
        elif mode in framework.modes:
            modes.append(mode)
    return list(dict.fromkeys(modes))


def devices_of(requested: Iterable[Device | Literal["auto"]]) -> list[Device]:
    """The devices of a request: `auto` is the CPU and, if there is one, the GPU."""
    devices: list[Device] = []
    for device in requested:
        if device != "auto":
            devices.append(device)
        else:
            devices += ["cpu", "cuda"] if gpu_state.usable() else ["cpu"]
    return list(dict.fromkeys(devices))


def budget_of(request: Request, task_name: str) -> Budget:
    """A task's budget under the request's preset; the request's own values replace the preset's.

    Raises UsageError if its training examples do not fill a batch.
    """
    task = tasks.load(task_name)
    names = ["epochs", "train_examples", "test_examples"]
    if task.length is not None:
        names.append("length")
    overrides = {name: value for name in names if (value := getattr(request, name)) is not None}
    budget = replace(task.presets[request.preset], **overrides)
    if budget.train_examples is not None and budget.train_examples < task.batch:
        raise UsageError(
            f"--train-examples {budget.train_examples} does not fill one batch of {task_name}, "
            f"which takes {task.batch}"
        )
    return budget
