"""What a worker says, as typed messages: one for each line, all of them checked."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

from bench.core import plausibility
from bench.core.listener import Listener
from bench.core.measurement import Measurement
from bench.system import whole_json
from bench.system.plain_text import plain_values


class Phase(msgspec.Struct, frozen=True, tag_field="event", tag="phase"):
    """A call of the worker's listener."""

    subject: str
    name: str

    def pass_on(self, listener: Listener) -> None:
        listener.phase(self.subject, self.name)


class Progress(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    """A call of the worker's listener."""

    subject: str
    done: int
    total: int

    def pass_on(self, listener: Listener) -> None:
        listener.progress(self.subject, self.done, self.total)


class Finished(msgspec.Struct, frozen=True, tag_field="event", tag="finished"):
    """A call of the worker's listener."""

    subject: str
    outcome: str

    def pass_on(self, listener: Listener) -> None:
        listener.finished(self.subject, self.outcome)


class Ready(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """A session has a steady pace; see `bench.worker.on_demand`."""

    window_steps: int
    versions: dict[str, str]
    dataset: dict[str, Any]

    def __post_init__(self) -> None:
        if self.window_steps < 1:
            raise ValueError(f"a window of {self.window_steps} steps")


class Waiting(msgspec.Struct, frozen=True, tag_field="event", tag="waiting"):
    """A job waits for its next turn; see `bench.worker.own_turns`."""

    done: float
    resident_bytes: int
    device_bytes: int | None

    def __post_init__(self) -> None:
        if not min(self.done, self.resident_bytes, self.device_bytes or 0) >= 0:
            raise ValueError(f"a job of which {self.done} is done, with impossible memory")


class TimedWindow(msgspec.Struct, frozen=True, tag_field="event", tag="window"):
    """The fields of `bench.worker.clock.Timed`; see `bench.worker.on_demand`."""

    wall: float
    cpu: float
    involuntary: int
    others: float | None
    stolen: float | None
    joules: float | None
    device_joules: float | None
    fence: float


# What a worker may say about itself; the other statuses are the runner's findings.
Said = Literal["ok", "wrong", "diverged", "unsupported", "failed"]


class Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="result"):
    """The last message: how a job ended, and what in."""

    status: Said
    reason: str = ""
    versions: dict[str, str] = {}
    dataset: dict[str, Any] = {}


# Pixels that a picture has at most, on a side.
_SIDE = 1024


class SentMark(msgspec.Struct, frozen=True, kw_only=True):
    """A text below a picture, at a place from 0, its left edge, to 1."""

    text: str
    place: float

    def __post_init__(self) -> None:
        if not (0 <= self.place <= 1 and len(self.text) <= 20):
            raise ValueError("a mark of a picture is too long or beside it")


class SentPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that a network has made: see `bench.core.pictures`."""

    title: str
    width: int
    height: int
    pixels: bytes
    marks: tuple[SentMark, ...] = ()

    def __post_init__(self) -> None:
        if not (1 <= self.width <= _SIDE and 1 <= self.height <= _SIDE):
            raise ValueError(f"a picture has {self.width} x {self.height} pixels")
        if len(self.pixels) not in (self.values, 3 * self.values):
            raise ValueError(f"a picture of {self.values} pixels has {len(self.pixels)} bytes")

    @property
    def values(self) -> int:
        """The number of its pixels."""
        return self.width * self.height

    @property
    def is_gray(self) -> bool:
        return len(self.pixels) == self.values


class MeasuredResult(Result, frozen=True, kw_only=True, tag="result"):
    """The result of a job that trains and measures a cell."""

    measurement: Measurement | None = None
    pictures: tuple[SentPicture, ...] = ()

    def __post_init__(self) -> None:
        if self.status == "ok" and self.measurement is None:
            raise ValueError("the status is ok, and nothing was measured")
        if self.measurement and (reason := plausibility.measurement_objection(self.measurement)):
            raise ValueError(reason)


class Traced(msgspec.Struct, frozen=True):
    """How tracing one task ended."""

    status: Said
    reason: str = ""


class TracedResult(Result, frozen=True, kw_only=True, tag="result"):
    """The result of a job that traces tasks for their proof."""

    traced: dict[str, Traced] = {}


class RatesResult(Result, frozen=True, kw_only=True, tag="result"):
    """The result of a job that measures the machine: FLOPs and bytes a second, and its crowd."""

    matmul: float = 0.0
    memory: float = 0.0
    crowd: float | None = None

    def __post_init__(self) -> None:
        if self.status == "ok" and not (self.matmul > 0 and self.memory > 0):
            raise ValueError(f"the rates are {self.matmul} FLOPs and {self.memory} bytes a second")


Outcome = TypeVar("Outcome", bound=Result)
Call = Phase | Progress | Finished
Message = Call | Ready | Waiting | TimedWindow | Result


@cache
def _decoder(result: type[Result]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Call | Ready | Waiting | TimedWindow | result)


def decode(line: bytes, result: type[Result]) -> Message:
    """The message in a line. Raises ValueError if there is none.

    Texts are made plain, as they come from other people's code and end up in a terminal.
    """
    decoder = _decoder(result)
    if _is_plain(line):
        message: Message = decoder.decode(line)
    else:
        message = msgspec.convert(plain_values(whole_json.decode(line)), decoder.type)
    return message


def _is_plain(line: bytes) -> bool:
    """Whether a line of JSON has neither escapes nor characters beyond ASCII."""
    return line.isascii() and b"\\" not in line
