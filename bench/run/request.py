"""What the caller of a run asks for, and whether it is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.core.presets import PRESETS
from bench.core.record import Feed
from bench.core.setting import EPSILONS, Device, Precision, Tuning
from bench.core.shard import Shard
from bench.core.weights import GivenWeights
from bench.datasets import SourceKind
from bench.launch.providers import provider
from bench.launch.worker_process import TIME_LIMIT
from bench.records import run_name
from bench.run.number_limits import check_numbers

Engine = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller asks for. None leaves a value to the preset, or to the machine.

    `warmup`, `window`, `seconds` (the least that each process is timed), `timeout`, `time_limit`
    and `budget_seconds` are in seconds, `memory_limit` is in bytes; `until` is the half-width of an
    interval over its estimate. `shard` is the part of the run to measure; None for all of it.
    `engine` says where: `local` on this machine, `ray` on the nodes of a cluster. `weights` are
    those that `bench.run.given_weights` has kept, for what tasks do not train; None draws these.
    `command` is the command line of the request.
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
    env: str = "own"
    warmup: float = 2.0
    window: float = 0.1
    seconds: float | None = None
    timeout: float = 300.0
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None
    spare: int | None = None
    until: float | None = None
    budget_seconds: float | None = None
    shard: Shard | None = None
    engine: Engine = "local"
    weights: GivenWeights | None = None
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
    # More than 10**18 bytes are refused, and more than a float holds cannot be an integer.
    return int(min(1e19, float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ")))


def in_words(value: Any) -> str:
    """A value of a request as people read it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "all"
    return "its default" if value is None else str(value)


def check(request: Request) -> None:
    """Raises UsageError for the first value of the request that is not possible."""
    check_choice("preset", request.preset, PRESETS)
    check_choice("feed", request.feed, get_args(Feed))
    check_choice("data source", request.data, get_args(SourceKind))
    check_choice("engine", request.engine, get_args(Engine))
    if request.engine == "ray":
        _check_planned(request, "--engine ray")
        if request.shard:
            raise UsageError("--engine ray and --shard exclude each other: Ray shares out the run")
        if request.env.startswith("like:"):
            raise UsageError("--engine ray and --env like:RUN exclude each other: nodes lack RUN")
    provider(request.env, request.results)
    for device in request.devices:
        check_choice("device", device, ["cpu", "cuda", "auto"])
    for precision in request.precisions:
        check_choice("precision", precision, EPSILONS)
    for tuning in request.tunings:
        check_choice("tuning", tuning, ["expert", "default"])
    check_numbers(vars(request))
    _check_stopping(request)
    if request.shard is not None:
        request.shard.check()
        _check_planned(request, "--shard")
    if request.name is not None:
        run_name.checked(request.name)


def _check_planned(request: Request, option: str) -> None:
    """Raises UsageError if blocks could be added, where no process sees all of the run."""
    for name, value in (("--until", request.until), ("--spare", request.spare)):
        if value:
            raise UsageError(
                f"{option} and {name} exclude each other: whether a run needs more blocks is "
                "known only where all of them are"
            )


def _check_stopping(request: Request) -> None:
    if request.until is not None and not 0 < request.until < 1:
        raise UsageError(f"--until must be between 0% and 100%, not {request.until:.3%}")
    if request.until is not None and (request.repeats or 2) < 2:
        raise UsageError("--until needs 2 repeats or more: a single one has no interval")
    if request.budget_seconds is not None and request.until is None:
        raise UsageError("--budget limits --until: give both")
