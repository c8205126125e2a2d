"""Job: what to run. Record: its outcome. Both are JSON; a record never changes once written.

Schema history
1  the first
2  adds to windows what other processes did meanwhile; to a measurement its cores, feeding and
   energy; to a cell its tuning. Records of schema 1 are read with None and the tuning "untold"
3  adds the state of the GPU; None in older records
4  nests a cell's device, precision, threads and tuning, as its setting
5  calls the result of an evaluation its metric, as older records have only accuracies; adds to a
   cell its variant, workload and batch. Older records are read with the usual ones
6  adds the turns in which processes trained; None in older records
"""

from __future__ import annotations

import dataclasses
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from bench.core.setting import SETTING_PARTS, InSetting, Setting, nest_setting
from bench.core.task import Budget

SCHEMA = 6
READABLE = (1, 2, 3, 4, 5, 6)

Status = Literal[
    "ok", "wrong", "diverged", "unsupported", "unavailable", "failed", "crashed", "timeout"
]
Feed = Literal["host", "device"]
Workload = Literal["train", "infer"]
JobKind = Literal["measure", "steps"]


@dataclass(frozen=True, kw_only=True)
class Cell(InSetting):
    """The unit of comparison. Repeats of a cell differ only in their seed.

    A `variant` is the framework in another environment, such as another version or backend; "" is
    the framework as its requirements have it. `batch` is 0 for the task's own size.
    """

    framework: str
    task: str
    mode: str
    feed: Feed = "host"
    variant: str = ""
    workload: Workload = "train"
    batch: int = 0

    def __str__(self) -> str:
        """Every part that is not the usual one, so that no two cells have the same text."""
        variant = f"[{self.variant}]" * bool(self.variant)
        words = [f"{self.framework}{variant}", self.task, self.mode, str(self.setting)]
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
        """The cell from its JSON object."""
        return Cell(**{**fields, "setting": Setting(**fields["setting"])})

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
    window, and `seconds` the least that is timed in all.
    """

    cell: Cell
    block: int
    seed: int
    budget: Budget
    data: str
    warmup: float = 2.0
    window: float = 0.1
    seconds: float = 0.0

    def to_json(self, *, kind: JobKind = "measure") -> str:
        """One line for a worker: `measure` the job, or time `steps` of it on demand."""
        return json.dumps({"kind": kind, **dataclasses.asdict(self)})

    @staticmethod
    def from_fields(fields: dict[str, Any]) -> Job:
        """A job from its JSON object."""
        nested = {"cell": Cell.from_fields(fields["cell"]), "budget": Budget(**fields["budget"])}
        return Job(**{**fields, **nested})


class Window(NamedTuple):
    """`steps` training steps between two fences, `loss` their mean; seconds as in `clock.Timed`.

    The first window of each `turn` lets the process settle, and does not count for its pace. Before
    processes took turns there was none.
    """

    epoch: int
    steps: int
    wall: float
    cpu: float
    involuntary: int
    loss: float
    others: float | None = None
    stolen: float | None = None
    turn: int | None = None


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Every `Window` of a training, as columns: a report reads hundreds of thousands of windows."""

    epoch: tuple[int, ...]
    steps: tuple[int, ...]
    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    involuntary: tuple[int, ...]
    loss: tuple[float, ...]
    others: tuple[float | None, ...]
    stolen: tuple[float | None, ...]
    turn: tuple[int | None, ...]

    @property
    def settling(self) -> list[bool]:
        """For each window, whether it is the first of a turn."""
        before = (None, *self.turn)
        return [now is not None and now != last for now, last in zip(self.turn, before)]  # noqa: B905

    def __post_init__(self) -> None:
        if any(len(column) != len(self) for column in vars(self).values()):
            raise ValueError("the windows' columns differ in length")

    def __len__(self) -> int:
        return len(self.wall)

    def until(self, step: int) -> Windows:
        """Those of the first `step` steps."""
        count = bisect_left([*accumulate(self.steps)], step) + 1
        return Windows(**{name: column[:count] for name, column in vars(self).items()})

    @staticmethod
    def of(windows: Sequence[Window]) -> Windows:
        """The columns of `windows`, of which there must be at least one."""
        return Windows(**dict(zip(Window._fields, zip(*windows, strict=True), strict=True)))


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The test set after `step` steps: the task's metric, mean loss, and the seconds it took."""

    step: int
    metric: float
    loss: float
    examples: int
    wall: float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a worker measured: seconds, bytes and raw windows; no statistics.

    What was trained after the last evaluation was for the pace alone.

    `first_losses` are the losses of the first single steps, the same in every framework. `cores`
    is the number of cores that the process could run on. `feed_seconds` is the time to turn one
    batch of host arrays into tensors. `joules` is the energy of the processor packages over all
    windows, and `device_joules` that of the GPU; None if the machine does not report it.
    """

    import_seconds: float
    build_seconds: float
    first_step_seconds: float
    warmup_steps: int
    warmup_seconds: float
    steady: bool
    windows: Windows
    evaluations: tuple[Evaluation, ...]
    first_losses: tuple[float, ...]
    peak_resident_bytes: int
    peak_device_bytes: int | None
    weights_digest: str
    parameter_count: int
    cores: int | None = None
    feed_seconds: float | None = None
    joules: float | None = None
    device_joules: float | None = None

    @property
    def budget_windows(self) -> Windows:
        """The windows of the job's budget."""
        return self.windows.until(self.evaluations[-1].step)


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
    """The outcome of one job. `companions` counts the processes with which it took turns."""

    job: Job
    batch: int
    status: Status
    reason: str = ""
    measurement: Measurement | None = None
    versions: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    gpu: GpuUse | None = None
    companions: int | None = None
    source_digest: str = ""
    started: str = ""
    wall_seconds: float = 0.0
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
        windows["turn"] = [None] * len(windows["wall"])
    job["cell"] = nest_setting(job["cell"])
    return fields


def _rounded(value: Any) -> Any:
    """Floats to nine significant digits: more than a clock or float32 has, in half the bytes."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def measurement_fields(measurement: Measurement) -> dict[str, Any]:
    """A measurement as a JSON object."""
    fields = dataclasses.asdict(measurement)
    for name, column in fields["windows"].items():
        fields["windows"][name] = [_rounded(value) for value in column]
    return fields
