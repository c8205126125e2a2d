"""A claim that a cell trains its task, and the certificate of what came of holding it to that.

A cell rests on two claims: that its source trains the task in float64, where nothing but an error
explains a difference, and that it does so in the precision that is timed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.core.record import Cell, Status
from bench.core.setting import InSetting, Setting, nest_setting
from bench.proof.checks import Check


@dataclass(frozen=True, kw_only=True)
class Claim(InSetting):
    """What is to be proved: that the framework trains the task in this mode and setting."""

    framework: str
    task: str
    mode: str

    @staticmethod
    def of(cell: Cell) -> Claim:
        """The claim that a cell trains its task as it is timed."""
        return Claim(framework=cell.framework, task=cell.task, mode=cell.mode, setting=cell.setting)

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Claim:
        """From its JSON object, or from that of a version that wrote the setting's parts flat."""
        nested = nest_setting(fields)
        return Claim(**{**nested, "setting": Setting(**nested["setting"])})

    def __str__(self) -> str:
        """Every part, but for a task that is left empty because the claim stands for several."""
        return " ".join(filter(None, (self.framework, self.task, self.mode, str(self.setting))))


def _word(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What came of a claim. `losses` are those of the first steps, for the proof to the eye.

    `dataset` is the prepared folder's name, `data` says whether it is real and official.
    """

    claim: Claim
    status: Status
    reason: str = ""
    checks: tuple[Check, ...] = ()
    losses: tuple[float, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    dataset: str = ""
    data: str = ""
    source_digest: str = ""
    reference_digest: str = ""

    def to_fields(self) -> dict[str, Any]:
        """As a JSON object. What is not a finite number, which JSON lacks, is written as a word."""
        fields = asdict(self)
        for check in fields["checks"]:
            check.update({key: _word(value) for key, value in check.items()})
        return {**fields, "losses": [_word(loss) for loss in self.losses]}

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Certificate:
        """From its JSON object."""
        nested = {
            "claim": Claim.from_fields(fields["claim"]),
            "checks": tuple(
                Check(
                    **{
                        **check,
                        "deviation": float(check["deviation"]),
                        "ulps": None if check["ulps"] is None else float(check["ulps"]),
                    }
                )
                for check in fields["checks"]
            ),
            "losses": tuple(float(loss) for loss in fields["losses"]),
        }
        return Certificate(**{**fields, **nested})

    def __str__(self) -> str:
        """What was to be proved, for a line of text."""
        return str(self.claim)
