"""A claim that a cell trains its task, and the certificate of what came of holding it to that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.core.adapter import Device, Precision
from bench.core.record import Cell, Status
from bench.verify import Check


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is to be proved: that this trains the task."""

    framework: str
    task: str
    mode: str
    device: Device
    precision: Precision
    threads: int

    @staticmethod
    def of(cell: Cell) -> Claim:
        """The claim that a cell rests on."""
        return Claim(
            framework=cell.framework,
            task=cell.task,
            mode=cell.mode,
            device=cell.device,
            precision=cell.precision,
            threads=cell.threads,
        )


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What came of a claim. `losses` are those of the first steps, for the proof to the eye."""

    claim: Claim
    status: Status
    reason: str = ""
    checks: tuple[Check, ...] = ()
    losses: tuple[float, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    dataset: str = ""
    source_digest: str = ""
    reference_digest: str = ""

    def to_fields(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Certificate:
        """From its JSON object."""
        nested = {
            "claim": Claim(**fields["claim"]),
            "checks": tuple(Check(**check) for check in fields["checks"]),
            "losses": tuple(fields["losses"]),
        }
        return Certificate(**{**fields, **nested})

    def __str__(self) -> str:
        """Whom and what it is about, for a line of text."""
        claim = self.claim
        return f"{claim.framework} {claim.task} {claim.mode} {claim.device} {claim.precision}"
