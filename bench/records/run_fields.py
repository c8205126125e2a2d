"""The form of `run.json`, as far as reports rely on it. Other keys are kept, and not looked at.

Runs come from elsewhere and from other versions, so only what every run has is required.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bench.core.record import Status
from bench.core.setting import Device

Count = Annotated[int, Meta(ge=0, lt=1 << 62)]
Seconds = Annotated[float, Meta(ge=0, lt=1e12)]
Rate = Annotated[float, Meta(ge=0, lt=1e24)]


class GpuFields(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU of the machine; None is what its driver does not tell."""

    name: str | None
    driver: str | None = None


class MachineFields(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, by `bench.launch.machine.describe`; None is what it does not tell."""

    cpu: str | None
    cores_usable: Count
    memory_bytes: Annotated[float, Meta(ge=1, lt=2.0**62)] | None
    gpus: list[GpuFields] = []
    cpu_vendor: str = ""
    cpu_flags: list[str] = []
    architecture: str | None = None
    cores_physical: Count | None = None
    cores_logical: Count | None = None
    governor: str | None = None
    system: str | None = None
    python: str = ""


class RatesFields(msgspec.Struct, frozen=True, kw_only=True):
    """The rates that one framework reached: those of `bench.analysis.roofline.Rates`."""

    framework: str
    device: Device
    threads: Count
    matmul: Rate = 0.0
    memory: Rate = 0.0
    status: Status = "ok"
    reason: str = ""

    def __post_init__(self) -> None:
        if self.status == "ok" and not (self.matmul and self.memory):
            raise ValueError("rates that are ok are not 0")


class ResumedFields(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which a run went on: after how many lines of records and seconds in all."""

    started: str
    records: Count
    seconds: Seconds


class MergedFields(msgspec.Struct, frozen=True, kw_only=True):
    """A run that became a part of this one: the shard that it was, if it was one."""

    name: str
    shard: Annotated[str, Meta(pattern=r"^(\d{1,7}/\d{1,7})?$")] = ""
    wall_seconds: Seconds = 0.0


class WeightsFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of weights that the run was given: those of `bench.core.weights.GivenWeights`."""

    name: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class RequestFields(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as far as other runs are held against it."""

    weights: WeightsFields | None = None


class RunFields(msgspec.Struct, frozen=True, kw_only=True):
    """A run's `run.json`. A run is finished if it has `wall_seconds`.

    `blocks_by_task` are the planned blocks of each task, where not every task is in every block of
    the `repeats`, or blocks are not measured in their order. `nodes` are the machines that its
    records name, and `machine` is the first of them.
    """

    name: str
    machine: MachineFields
    command: str = ""
    request: RequestFields = RequestFields()
    threads: Count = 0
    repeats: Count = 0
    blocks_by_task: dict[str, Count] = {}
    nodes: dict[str, MachineFields] = {}
    started: str = ""
    framebench: str = ""
    about: str = ""
    stopped: str = ""
    wall_seconds: Seconds | UnsetType = UNSET
    resumed: list[ResumedFields] = []
    blocks_wanted: Count = 0
    merged: Annotated[list[MergedFields], Meta(min_length=1)] | UnsetType = UNSET
    environments: dict[str, dict[str, str]] = {}
    installed_bytes: dict[str, Count] = {}
    source_digests: dict[str, str] = {}
    data: dict[str, dict[str, Any]] = {}
    settings: dict[str, dict[str, Any]] = {}
    rates: list[RatesFields] = []
    certificates: list[dict[str, Any]] = []
    late_proofs: list[dict[str, Any]] = []
    snapshot: dict[str, Any] | UnsetType = UNSET


def check(info: Any) -> None:
    """Raises ValueError, with the place, if a JSON value is not that of a `run.json`."""
    msgspec.convert(info, RunFields)
