"""Job: what to run. Record: what came of it. Both are JSON; a record is never changed once written.

Schema history
1  the first
2  windows tell what others did meanwhile; a measurement has its cores, feeding and energy; a cell
   has its tuning. Records of schema 1 are read, with None there, and a tuning that is untold.
3  a record has what the GPU was at. Older ones have None there.
4  device, precision, threads and tuning of a cell are nested, as its setting.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bench.core.setting import SETTING_PARTS, InSetting, Setting, nest_setting
from bench.core.task import Budget

SCHEMA = 4
READABLE = (1, 2, 3, 4)

Status = Literal[
    "ok", "wrong", "diverged", "unsupported", "unavailable", "failed", "crashed", "timeout"
]
Feed = Literal["host", "device"]
JobKind = Literal["measure", "steps"]


@dataclass(frozen=True, kw_only=True)
class Cell(InSetting):
    """What is compared with what. Repeats of one cell differ in their seed alone."""

    framework: str
    task: str
    mode: str
    feed: Feed = "host"

    def __str__(self) -> str:
        """Every part, so that no two cells read alike."""
        fed = f" {self.feed} feed" * (self.feed != "host")
        return f"{self.framework} {self.task} {self.mode} {self.setting}{fed}"

    def to_columns(self) -> dict[str, Any]:
        """Its parts side by side, those of the setting too: for a row of a table."""
        fields = dataclasses.asdict(self)
        return {**fields.pop("setting"), **fields}

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Cell:
        """From its JSON object."""
        return Cell(**{**fields, "setting": Setting(**fields["setting"])})

    @staticmethod
    def from_columns(columns: Mapping[str, Any]) -> Cell:
        """From a row of a table that has its parts side by side, among others."""
        names = ("framework", "task", "mode", "feed", *SETTING_PARTS)
        return Cell.from_fields(nest_setting({name: columns[name] for name in names}))


@dataclass(frozen=True, kw_only=True)
class Job:
    """One repeat of one cell, complete enough for a worker on its own.

    `data` is the folder of the prepared data set; a record keeps its name alone. `warmup` is the
    most seconds spent on reaching a steady pace; `window` the seconds that a timed window aims at.
    """

    cell: Cell
    block: int
    seed: int
    budget: Budget
    data: str
    warmup: float = 2.0
    window: float = 0.1

    def to_json(self, *, kind: JobKind = "measure") -> str:
        """One line for a worker: to `measure` the job, or to time `steps` of it when asked."""
        return json.dumps({"kind": kind, **dataclasses.asdict(self)})

    @staticmethod
    def from_fields(fields: dict[str, Any]) -> Job:
        """A job from its JSON object."""
        nested = {"cell": Cell.from_fields(fields["cell"]), "budget": Budget(**fields["budget"])}
        return Job(**{**fields, **nested})


class Window(NamedTuple):
    """`steps` training steps between two fences, `loss` their mean; seconds as in `clock.Timed`."""

    epoch: int
    steps: int
    wall: float
    cpu: float
    involuntary: int
    loss: float
    others: float | None = None
    stolen: float | None = None


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Every `Window` of a training, by columns: a report reads hundreds of thousands of them."""

    epoch: tuple[int, ...]
    steps: tuple[int, ...]
    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    involuntary: tuple[int, ...]
    loss: tuple[float, ...]
    others: tuple[float | None, ...]
    stolen: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if any(len(column) != len(self) for column in vars(self).values()):
            raise ValueError("its windows' columns are of different lengths")

    def __len__(self) -> int:
        return len(self.wall)

    @staticmethod
    def of(windows: Sequence[Window]) -> Windows:
        """From its rows, of which there is one at least."""
        return Windows(**dict(zip(Window._fields, zip(*windows, strict=True), strict=True)))


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The test set after `step` steps: accuracy (0 to 1), mean loss, and the seconds it took."""

    step: int
    accuracy: float
    loss: float
    examples: int
    wall: float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a worker measured. Seconds, bytes, and raw windows; no statistics.

    `first_losses` are those of the first steps, one by one: the same in every framework. `cores`
    are those that the process might run on. `feed_seconds` is what turning one batch of host arrays
    into tensors takes; `joules` the energy over all windows of the processor packages, where the
    machine tells, and `device_joules` that of the GPU.
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


class GpuSample(NamedTuple):
    """What a GPU was at between two windows; None where it does not tell.

    Clocks of its multiprocessors and of its memory; `used_bytes` of its memory by all processes;
    `slowdowns` name what kept a clock low.
    """

    clock_mhz: int | None
    memory_clock_mhz: int | None
    watts: float | None
    celsius: int | None
    used_bytes: int | None
    slowdowns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GpuUse:
    """A GPU while a job ran on it, as its driver told the runner.

    `cuda` is the newest that the driver runs; `used_before_bytes` was taken before the worker was
    started; `others` are processes that were neither the worker nor started by it.
    """

    name: str
    uuid: str
    driver: str
    cuda: str
    used_before_bytes: int | None
    samples: tuple[GpuSample, ...]
    others: tuple[str, ...]

    @property
    def peak_bytes(self) -> int | None:
        """The most memory that was used beyond what was used before."""
        used = [one.used_bytes for one in self.samples if one.used_bytes is not None]
        if not used or self.used_before_bytes is None:
            return None
        return max(0, max(used) - self.used_before_bytes)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What came of one job."""

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
    schema: int = SCHEMA

    def to_json(self) -> str:
        """One line of JSON."""
        fields = dataclasses.asdict(self)
        if self.measurement:
            fields["measurement"] = measurement_fields(self.measurement)
        return json.dumps(fields, allow_nan=False)


def upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    """A record's JSON object as this schema has it. Raises ValueError for one that is not read."""
    if fields.get("schema") not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise ValueError(f"record has schema {fields.get('schema')}, this version reads {known}")
    job = fields["job"]
    if fields["schema"] == 1:
        job["cell"]["tuning"] = "untold"
        if fields["measurement"]:
            windows = fields["measurement"]["windows"]
            windows["others"] = windows["stolen"] = [None] * len(windows["wall"])
    job["cell"] = nest_setting(job["cell"])
    return fields


def _rounded(value: Any) -> Any:
    """Floats to nine significant digits: more than a clock or float32 tells, and half the bytes."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def measurement_fields(measurement: Measurement) -> dict[str, Any]:
    """A measurement as a JSON object."""
    fields = dataclasses.asdict(measurement)
    for name, column in fields["windows"].items():
        fields["windows"][name] = [_rounded(value) for value in column]
    return fields
