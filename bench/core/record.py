"""Job: what to run. Record: its outcome. Both are JSON; a record never changes once written.

Schema history
1  the first
2  adds to windows what other processes did meanwhile; to a measurement its cores, feeding and
   energy; to a cell its tuning. Records of schema 1 are read with None and the tuning "untold"
3  adds the state of the GPU; None in older records
4  nests a cell's device, precision, threads and tuning, as its setting
5  calls the result of an evaluation its metric, as older records have only accuracies; adds to a
   cell its variant, workload and batch. Older records are read with the usual ones
6  adds to windows the time for reading their losses, and their turn; to a measurement all seconds
   that no other field has; to a record the runner's own clock, and how many processes took turns.
   Older records are read with None and no seconds
7  adds to a job whether it makes a sample, and to a measurement the sample, some of whose texts say
   what a person wrote; none in older records
8  has a cell's variant in the name of its framework; older cells have none
9  adds to a measurement the files of its pictures, and to a record the machine that measured it;
   none in older ones
10 adds to a job the weights that are given for those that its task does not train; none in older
   ones, in which all are drawn
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bench.core.measurement import Measurement, measurement_fields
from bench.core.setting import SETTING_PARTS, InSetting, Setting, nest_setting
from bench.core.task import Budget, Task
from bench.core.weights import GivenWeights

SCHEMA = 10
READABLE = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)

Status = Literal[
    "ok", "wrong", "diverged", "unsupported", "unavailable", "failed", "crashed", "timeout"
]
Feed = Literal["host", "device"]
Workload = Literal["train", "infer"]
JobKind = Literal["measure", "steps"]


@dataclass(frozen=True, kw_only=True)
class Cell(InSetting):
    """The unit of comparison. Repeats of a cell differ only in their seed.

    The `framework` may be a variant of one: see `bench.core.framework_name`. `batch` is 0 for the
    task's own size.
    """

    framework: str
    task: str
    mode: str
    feed: Feed = "host"
    workload: Workload = "train"
    batch: int = 0

    def __str__(self) -> str:
        """Every part that is not the usual one, so that no two cells have the same text."""
        words = [self.framework, self.task, self.mode, str(self.setting)]
        if self.feed != "host":
            words.append(f"{self.feed} feed")
        if self.workload != "train":
            words.append(self.workload)
        if self.batch:
            words.append(f"batch {self.batch}")
        return " ".join(words)

    def to_columns(self) -> dict[str, Any]:
        """Every part, those of the setting included, as the columns of a table's row."""
        fields = dataclasses.asdict(self)
        return {**fields.pop("setting"), **fields}

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Cell:
        """The cell from its JSON object; before schema 8 it had a variant, which was always ""."""
        parts = {name: value for name, value in fields.items() if name != "variant"}
        return Cell(**{**parts, "setting": Setting(**fields["setting"])})

    @staticmethod
    def from_columns(columns: Mapping[str, Any]) -> Cell:
        """The cell from a row of a table with these columns, and perhaps others."""
        names = (*(part.name for part in dataclasses.fields(Cell)), *SETTING_PARTS)
        return Cell.from_fields(
            nest_setting({name: columns[name] for name in names if name in columns})
        )


@dataclass(frozen=True, kw_only=True)
class Job:
    """One repeat of one cell: all that a worker needs.

    `data` is the folder of the prepared data set; a record holds only its name. `warmup` is the
    maximum time for reaching a steady pace, in seconds, `window` the intended length of a timed
    window, and `seconds` the least that is timed in all. `sample` says whether the sample of
    the task is written, if it has one. `weights` are given for those that the task does not train,
    and `weights_file` has them as `initial_weights` reads them; a record does not name that file.
    """

    cell: Cell
    block: int
    seed: int
    budget: Budget
    data: str
    warmup: float = 2.0
    window: float = 0.1
    seconds: float = 0.0
    sample: bool = False
    weights: GivenWeights | None = None
    weights_file: str = ""

    def to_json(self, *, compiles: bool, kind: JobKind = "measure", late: str = "") -> str:
        """One line for a worker: `measure` the job, or time `steps` of it on demand.

        `compiles` says whether the cell's mode is one that compiles. `late` is the file for a trace
        of its end, "" for none: see `bench.worker.late_trace`.
        """
        told = {"kind": kind, "compiles": compiles, "late": late}
        return json.dumps({**told, **dataclasses.asdict(self)})

    def as_trained(self, task: Task) -> Task:
        """The cell's task as this job trains it: with its batch, and with its length of texts."""
        task = task.with_length(self.budget.length) if self.budget.length else task
        return dataclasses.replace(task, batch=self.cell.batch) if self.cell.batch else task

    @staticmethod
    def from_fields(fields: dict[str, Any]) -> Job:
        """A job from its JSON object."""
        given = fields["weights"]
        nested = {
            "cell": Cell.from_fields(fields["cell"]),
            "budget": Budget(**fields["budget"]),
            "weights": given and GivenWeights(**given),
        }
        return Job(**{**fields, **nested})


class GpuSample(NamedTuple):
    """The state of a GPU between two windows. A value that it does not report is None.

    `clock_mhz` is the multiprocessors' clock. `used_bytes` counts the memory of all processes.
    `slowdowns` names the reasons for a low clock.
    """

    clock_mhz: int | None
    memory_clock_mhz: int | None
    watts: float | None
    celsius: int | None
    used_bytes: int | None
    slowdowns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GpuUse:
    """A GPU while a job ran on it, as reported by its driver.

    `cuda` is the newest version that the driver supports. `used_before_bytes` is the memory in use
    before the worker started. `others` are processes that were neither the worker nor its children.
    What the driver does not tell is None.
    """

    name: str | None
    uuid: str | None
    driver: str | None
    cuda: str | None
    used_before_bytes: int | None
    samples: tuple[GpuSample, ...]
    others: tuple[str, ...]

    @property
    def peak_bytes(self) -> int | None:
        """The most memory in use, beyond what was in use before the worker started."""
        in_use = [sample.used_bytes for sample in self.samples if sample.used_bytes is not None]
        if not in_use or self.used_before_bytes is None:
            return None
        return max(0, max(in_use) - self.used_before_bytes)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The outcome of one job.

    `phases` are the seconds of each phase of its worker by the runner's clock, counted only while
    the worker was allowed to run; phases of the same name are added up. `companions` is the number
    of processes that took turns, this one included; None if unknown. `node` is the name of the
    machine, by which `run.json` describes it.
    """

    job: Job
    batch: int
    status: Status
    reason: str = ""
    measurement: Measurement | None = None
    versions: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    gpu: GpuUse | None = None
    source_digest: str = ""
    started: str = ""
    wall_seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    companions: int | None = None
    node: str = ""
    schema: int = SCHEMA

    def to_json(self) -> str:
        """One line of JSON."""
        fields = dataclasses.asdict(self)
        if self.measurement:
            fields["measurement"] = measurement_fields(self.measurement)
        return json.dumps(fields, allow_nan=False)


def upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    """A record's JSON object, converted to this schema. Raises ValueError for an unknown schema."""
    if fields.get("schema") not in READABLE:
        readable = ", ".join(map(str, READABLE))
        raise ValueError(f"record has schema {fields.get('schema')}, this version reads {readable}")
    job = fields["job"]
    if fields["schema"] == 1:
        job["cell"]["tuning"] = "untold"
        if fields["measurement"]:
            windows = fields["measurement"]["windows"]
            windows["others"] = windows["stolen"] = [None] * len(windows["wall"])
    if fields["schema"] < 5 and fields["measurement"]:
        for evaluation in fields["measurement"]["evaluations"]:
            evaluation["metric"] = evaluation.pop("accuracy")
    if fields["schema"] < 6 and fields["measurement"]:
        windows = fields["measurement"]["windows"]
        count = len(windows["wall"])
        windows["read"] = windows["first_read"] = windows["turn"] = [None] * count
    job["cell"] = nest_setting(job["cell"])
    return fields
