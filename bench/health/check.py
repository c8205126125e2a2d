"""What a check of the machine is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

import msgspec

from bench.core.telemetry import NOT_TOLD, told
from bench.health.load_sample import LoadSample, LoadSampler
from bench.launch import gpu_condition
from bench.launch.gpu_condition import GpuCondition
from bench.system.plain_text import one_line, plain_values
from bench.worker.cores import Cores

Verdict = Literal["good", "not told", "mind", "bad"]
# From the best to the worst. What is not told is no reason to distrust a figure.
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A machine that is being examined for a run of `threads` threads into the folder `results`.

    `root` holds its `proc` and `sys`. The sampler has been watching since the examination began.
    """

    root: Path
    cores: Cores
    threads: int
    results: Path
    sampler: LoadSampler

    @cached_property
    def sample(self) -> LoadSample:
        """The load during the examination so far; waits until the sampler has seen enough."""
        return self.sampler.finish()

    @cached_property
    def gpus(self) -> list[GpuCondition]:
        """The condition of each GPU."""
        return gpu_condition.conditions()

    def system(self, path: str) -> Path:
        """A file below /sys/devices/system."""
        return self.root / "sys/devices/system" / path


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found: a verdict, the value with its unit as JSON has it, and in words.

    `remedy` says what to do, with commands in backticks; it is empty where nothing needs doing.
    """

    check: str
    verdict: Verdict
    value: Any
    unit: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class HealthCheck(Generic[Found]):
    """Something that a machine's figures depend on: how it is found, judged, and mended.

    `find` returns None, or raises anything, where the machine does not tell. `applies` is whether
    the machine has what is checked at all.
    """

    name: str
    find: Callable[[Examined], Found | None]
    judge: Callable[[Found], Verdict]
    remedy: str
    unit: str = ""
    show: Callable[[Found], str] = str
    applies: Callable[[Examined], bool] = lambda machine: True

    def __call__(self, machine: Examined) -> Finding:
        """What is found on a machine. Never raises: what cannot be found is not told."""
        finding = told(lambda: self._finding(self.find(machine)))
        return finding or self._made("not told", None, NOT_TOLD)

    def _finding(self, found: Found | None) -> Finding | None:
        if found is None:
            return None
        return self._made(self.judge(found), msgspec.to_builtins(found), self.show(found))

    def _made(self, verdict: Verdict, value: Any, text: str) -> Finding:
        return Finding(
            check=self.name,
            verdict=verdict,
            value=plain_values(value),
            unit=self.unit,
            text=one_line(text),
            remedy=self.remedy if verdict in ("mind", "bad") else "",
        )


def graded(value: float, *, mind: float, bad: float) -> Verdict:
    """The verdict on a value that is better the smaller it is: above `mind`, and above `bad`."""
    return "bad" if value > bad else "mind" if value > mind else "good"
