"""What a worker measured of one job: raw windows, evaluations and seconds; no statistics."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import attrgetter, ne
from typing import Any, Literal, NamedTuple

# What a worker spends time on besides import, build, first step, warm-up, windows, the reading of
# their losses, and evaluations. `set up` includes asking for versions, `around warm-up` is the next
# two and reading losses until the timing begins, `fence` is waiting before a window's clock starts,
# `clocks` is reading what a window took of the machine, and `close` includes counting weights and
# memory.
Spent = Literal[
    "set up",
    "load weights",
    "lay out batches",
    "stage ahead",
    "around warm-up",
    "fence",
    "clocks",
    "compile evaluation",
    "metrics",
    "feed",
    "trace the end",
    "sample",
    "close",
]


class Window(NamedTuple):
    """`steps` training steps between two fences, `loss` their mean; seconds as in `clock.Timed`.

    `read` is the time from the second fence until all losses were read, and `first_read` the part
    of it for the loss that is read first: that of the last step, which waits for all steps before
    it. The first window of each `turn` lets the process settle, and does not count for its pace;
    before processes took turns there was none.
    """

    epoch: int
    steps: int
    wall: float
    cpu: float
    involuntary: int
    loss: float
    others: float | None = None
    stolen: float | None = None
    read: float | None = None
    first_read: float | None = None
    turn: int | None = None


_columns = attrgetter(*Window._fields)


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
    read: tuple[float | None, ...]
    first_read: tuple[float | None, ...]
    turn: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if len({len(column) for column in _columns(self)}) != 1:
            raise ValueError("the windows' columns differ in length")

    def __len__(self) -> int:
        return len(self.wall)

    @property
    def settling(self) -> list[bool]:
        """For each window, whether it is the first of a turn."""
        return [*map(ne, self.turn, (None, *self.turn))]

    def count_until(self, step: int) -> int:
        """How many windows the first `step` steps took."""
        return bisect_left([*accumulate(self.steps)], step) + 1

    def until(self, step: int) -> Windows:
        """Those of the first `step` steps."""
        count = self.count_until(step)
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
class Passage:
    """A text that a trained network has written, from one that it was given.

    `expected` is what a person has written from it; None if nobody has.
    """

    given: str
    written: str
    expected: str | None = None


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A picture that a trained network has made: a PNG in the run's `pictures` folder."""

    title: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a worker measured: seconds, bytes and raw windows; no statistics.

    What was trained after the last evaluation was for the pace alone.

    `first_losses` are the losses of the first single steps, the same in every framework. `cores`
    is the number of cores that the process could run on. `feed_seconds` is the time to turn one
    batch of host arrays into tensors. `joules` is the energy of the processor packages over all
    windows, and `device_joules` that of the GPU; None if the machine does not report it.
    `other_seconds` are those that no other field has, by what they were spent on (see `Spent`).
    `sample` is what the network wrote with the weights of the last evaluation, and `pictures` what
    it drew, for people to look at; empty unless the job asked for it.
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
    other_seconds: dict[str, float] = field(default_factory=dict)
    sample: tuple[Passage, ...] = ()
    pictures: tuple[PictureFile, ...] = ()

    @property
    def budget_windows(self) -> Windows:
        """The windows of the job's budget."""
        return self.windows.until(self.evaluations[-1].step)


def _rounded(value: Any) -> Any:
    """Floats to nine significant digits: more than a clock or float32 has, in half the bytes."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def measurement_fields(measurement: Measurement) -> dict[str, Any]:
    """A measurement as a JSON object."""
    fields = dataclasses.asdict(measurement)
    for name, column in fields["windows"].items():
        fields["windows"][name] = [_rounded(value) for value in column]
    return fields
