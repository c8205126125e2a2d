"""The tasks and frameworks of a run as they were when it was measured, for its reports.

A run keeps its snapshot in `run.json`, so that its reports stay the same when the source changes.
Tasks and frameworks that a run names but its snapshot lacks (records may come from anywhere) are
shown by their plain names.

Version history
1  the first
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import msgspec

from bench.core.task import LOSS_TOLERANCE

VERSION = 1

Pairs = tuple[tuple[str, str], ...]
"""Names with their texts, as pairs, because `run.json` sorts the keys of an object."""


@dataclass(frozen=True, kw_only=True)
class MetricSnapshot:
    """The measure of a task's quality on its test set, and the value that it should reach.

    A `fraction` runs from 0 to 1. The target of an `ACCURACY` from no known task is not known.
    """

    name: str
    unit: str
    better: Literal["more", "less"]
    target: float | None

    @property
    def is_fraction(self) -> bool:
        """Whether its values are read as percentages."""
        return self.unit == "fraction"

    def text(self, value: float) -> str:
        """A value with two decimals of a percent, or with four digits and the unit."""
        return f"{value:.2%}" if self.is_fraction else f"{value:.4g} {self.unit}".rstrip()

    def change_text(self, change: float) -> str:
        """A change of the value, with its sign."""
        return f"{change:+.1%}" if self.is_fraction else f"{change:+.3g} {self.unit}".rstrip()

    @property
    def goal(self) -> str:
        """The target as a short text; "" where it is not known."""
        if self.target is None:
            return ""
        return f"{self.target:.0%}" if self.is_fraction else f"{self.target:g} {self.unit}".rstrip()

    def reached(self, value: float) -> bool:
        """Whether a value is at the target or better; False where the target is not known."""
        if self.target is None:
            return False
        return value >= self.target if self.better == "more" else value <= self.target


# Records that name no known task are older than any metric but this one.
ACCURACY = MetricSnapshot(name="accuracy", unit="fraction", better="more", target=None)


@dataclass(frozen=True, kw_only=True)
class TaskSnapshot:
    """One task of a run.

    `flops_per_example` and `step_bytes` are those of training at `length`, the number of tokens to
    which this run cut its texts; `recipe_length` is that of the recipe. These two are None for
    a task without texts. `definition` is what the task prescribes to every framework, in words;
    `tensors` has a row for each parameter, by `bench.records.definition.parameter_words`;
    `tolerances` are, by precision, the tolerances of the proof that differ from the usual ones;
    `loss_tolerance` is as in a Task.
    """

    name: str
    title: str
    about: str
    headline: bool
    heavy: bool
    dataset: str
    network: str
    batch: int
    metric: MetricSnapshot
    length: int | None
    recipe_length: int | None
    flops_per_example: int
    step_bytes: int
    definition: Pairs
    tensors: tuple[tuple[str, ...], ...]
    tolerances: Mapping[str, tuple[tuple[str, float], ...]]
    loss_tolerance: float = LOSS_TOLERANCE

    def has(self, remark: str) -> bool:
        """Whether its definition has words of this name, such as "dropout"."""
        return any(name == remark for name, _ in self.definition)

    @property
    def is_random(self) -> bool:
        """Whether frameworks draw random numbers of their own in each step."""
        return self.has("dropout") or self.has("noise")


@dataclass(frozen=True, kw_only=True)
class PrecisionSettings:
    """How a framework computes in a precision: a description, devices, environment variables."""

    about: str
    devices: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExpertSettings:
    """What the expert tuning sets: settings with their reasons, and environment variables."""

    settings: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FrameworkSettings:
    """The settings of a framework on the run's processor.

    `modes` has a line about each mode; `libraries` names the libraries that compute, by device. In
    the values of `environment`, `{threads}` and `{scratch}` are unfilled: they differ by worker.
    """

    modes: Mapping[str, str]
    layout: str
    libraries: Mapping[str, tuple[str, ...]]
    precisions: Mapping[str, PrecisionSettings]
    environment: Mapping[str, str]
    expert: ExpertSettings


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A framework's model of a network. `path` is relative to the source tree's root."""

    network: str
    path: str
    text: str
    lines_of_code: int


@dataclass(frozen=True, kw_only=True)
class FrameworkSnapshot:
    """One framework at the time of the run, which need not have been in it.

    A `reference` is what frameworks are proved against; it is not compared. `settings` is None if
    the framework was not in the run, or the run did not record them; `models` are those of the
    run's tasks. `dispatching` and `beneath` are as in a Framework.
    """

    name: str
    title: str
    reference: bool
    recommended: str
    dispatching: int = 0
    beneath: str = ""
    settings: FrameworkSettings | None = None
    models: tuple[ModelSource, ...] = ()

    def model(self, network: str) -> ModelSource | None:
        """The framework's model of a network, if the run used it."""
        return next((model for model in self.models if model.network == network), None)


@dataclass(frozen=True, kw_only=True)
class ProofTerms:
    """What a proof compares, by the names of its checks, and the deviations that it allows.

    `tolerances` are by precision and then by quantity; the first `early_steps` losses of a
    curve are held to a tolerance of their own. `late_checks` are those after the timing, which
    older runs have not.
    """

    checks: Pairs
    early_steps: int
    tolerances: Mapping[str, Mapping[str, float | None]]
    late_checks: Pairs = ()


@dataclass(frozen=True, kw_only=True)
class Caveat:
    """What readers of a run's figures must know; `figures` names the figures that it concerns."""

    figures: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{', '.join(self.figures)}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that a report needs to know about a run besides its records.

    `tasks` are those of the run, `known_tasks` the names of all tasks at the time; `frameworks` are
    all frameworks at the time, in order. `unequal` says what no run can make equal, `caveats` what
    to mind in this run's figures.
    """

    tasks: tuple[TaskSnapshot, ...]
    known_tasks: tuple[str, ...]
    frameworks: tuple[FrameworkSnapshot, ...]
    proof: ProofTerms
    unequal: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    version: int = VERSION

    @cached_property
    def _tasks(self) -> dict[str, TaskSnapshot]:
        return {task.name: task for task in self.tasks}

    @cached_property
    def _frameworks(self) -> dict[str, FrameworkSnapshot]:
        return {framework.name: framework for framework in self.frameworks}

    def task(self, name: str) -> TaskSnapshot | None:
        """A task of the run; None where the snapshot lacks it."""
        return self._tasks.get(name)

    def framework(self, name: str) -> FrameworkSnapshot | None:
        """A framework; None where the snapshot lacks it."""
        return self._frameworks.get(name)

    def task_title(self, name: str) -> str:
        """A task's title, or its name where the snapshot lacks it."""
        task = self.task(name)
        return task.title if task else name

    def framework_title(self, name: str) -> str:
        """A framework's title, or its name where the snapshot lacks it."""
        framework = self.framework(name)
        return framework.title if framework else name

    def metric(self, task: str) -> MetricSnapshot:
        """A task's metric; `ACCURACY` where the snapshot lacks the task."""
        snapshot = self.task(task)
        return snapshot.metric if snapshot else ACCURACY

    def headline(self, task: str) -> bool:
        """Whether a task is among those that reports put first."""
        snapshot = self.task(task)
        return snapshot is not None and snapshot.headline

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the frameworks that were compared at the time: all but the references."""
        return tuple(framework.name for framework in self.frameworks if not framework.reference)

    @property
    def references(self) -> frozenset[str]:
        """Names of the frameworks that only define the tasks."""
        return frozenset(framework.name for framework in self.frameworks if framework.reference)

    def to_fields(self) -> dict[str, Any]:
        """The snapshot as a JSON object."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Snapshot:
        """The snapshot from its JSON object. Raises ValueError for another version or form."""
        if fields.get("version") != VERSION:
            raise ValueError(
                f"snapshot has version {fields.get('version')}, this framebench reads {VERSION}"
            )
        return msgspec.convert(fields, Snapshot)
