"""What the caller of a run asks for, and whether it is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.core.presets import PRESETS
from bench.core.record import Feed
from bench.core.setting import EPSILONS, Device, Precision, Tuning
from bench.datasets import SourceKind
from bench.launch.providers import PROVIDERS, EnvironmentKind
from bench.launch.worker_process import TIME_LIMIT

# What can be counted, and is therefore 1 or more.
_COUNTS = ("threads", "repeats", "epochs", "train_examples", "test_examples", "length")


# Bytes that the smallest worker needs for Python alone.
SMALLEST_MEMORY = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller asks for. None leaves a value to the preset, or to the machine.

    `warmup`, `window`, `timeout`, `time_limit` and `budget_seconds` are in seconds, `memory_limit`
    is in bytes; `until` is the half-width of an interval over its estimate. `command` is the
    command line of the request.
    """

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
    data: SourceKind = "auto"
    env: EnvironmentKind = "own"
    warmup: float = 2.0
    window: float = 0.1
    timeout: float = 300.0
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None
    spare: int | None = None
    until: float | None = None
    budget_seconds: float | None = None
    results: Path = Path("results")
    name: str | None = None
    command: str = ""


def fraction(text: str) -> float:
    """The value of a percentage such as "2%", or of a fraction such as "0.02".

    Raises UsageError for any other text.
    """
    match = re.fullmatch(r"(\d*\.?\d+)(%?)", text.strip())
    if not match:
        raise UsageError(f"{text!r} is not a percentage: write 2% or 0.02")
    return float(match[1]) / (100 if match[2] else 1)


def duration(text: str) -> float:
    """Seconds from "90s", "30m", "2h", or a number of seconds.

    Raises UsageError for any other text.
    """
    match = re.fullmatch(r"(\d*\.?\d+)([smh]?)", text.strip())
    if not match:
        raise UsageError(f"{text!r} is not a duration: write 90s, 30m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def size(text: str) -> int:
    """Bytes from "900M", "8G" or a number of bytes; K, M, G and T are powers of 1024.

    Raises UsageError for any other text.
    """
    match = re.fullmatch(r"(\d*\.?\d+)([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise UsageError(f"{text!r} is not a size: write 900M or 8G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def check(request: Request) -> None:
    """Raises UsageError for the first value of the request that is not possible."""
    check_choice("preset", request.preset, PRESETS)
    check_choice("feed", request.feed, get_args(Feed))
    check_choice("data source", request.data, get_args(SourceKind))
    check_choice("kind of environment", request.env, PROVIDERS)
    for device in request.devices:
        check_choice("device", device, ["cpu", "cuda", "auto"])
    for precision in request.precisions:
        check_choice("precision", precision, EPSILONS)
    for tuning in request.tunings:
        check_choice("tuning", tuning, ["expert", "default"])
    _check_numbers(request)
    _check_stopping(request)
    if request.name is not None and not re.fullmatch(r"[\w.-]+", request.name):
        raise UsageError(f"--name {request.name!r}: use only letters, digits, '.', '_' and '-'")


def _check_numbers(request: Request) -> None:
    for name in _COUNTS:
        value = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be 1 or more, not {value}")
    for name in ("warmup", "window", "timeout", "time_limit"):
        value = getattr(request, name)
        if value <= 0:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} must be more than 0 seconds, not {value:g}")
    if request.memory_limit is not None and request.memory_limit < SMALLEST_MEMORY:
        raise UsageError(f"--memory-limit must be 64M or more, not {request.memory_limit} bytes")
    if request.spare is not None and request.spare < 0:
        raise UsageError(f"--spare must be 0 or more, not {request.spare}")
    if request.seed < 0:
        raise UsageError(f"--seed must be 0 or more, not {request.seed}")


def _check_stopping(request: Request) -> None:
    if request.until is not None and not 0 < request.until < 1:
        raise UsageError(f"--until must be between 0% and 100%, not {request.until:.3%}")
    if request.until is not None and (request.repeats or 2) < 2:
        raise UsageError("--until needs 2 repeats or more: a single one has no interval")
    if request.budget_seconds is not None:
        if request.until is None:
            raise UsageError("--budget limits --until: give both")
        if request.budget_seconds <= 0:
            raise UsageError("--budget must be more than 0 seconds")
