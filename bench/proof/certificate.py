"""Claims that a cell trains its task, and certificates that say whether a claim holds.

A cell rests on two claims: that its source trains the task in float64, where only a mistake can
explain a difference, and that it does so in the precision that is timed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from bench.core.record import Cell, Status
from bench.core.setting import InSetting, Setting, nest_setting
from bench.proof.one_check import Check

# The seed of every proof for which no other is asked.
USUAL_SEED = 0


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
        """The claim from its JSON object; older versions did not nest the setting's parts."""
        nested = nest_setting(fields)
        return Claim(**{**nested, "setting": Setting(**nested["setting"])})

    def __str__(self) -> str:
        """Every part. The task may be empty: a process can trace several."""
        return " ".join(filter(None, (self.framework, self.task, self.mode, str(self.setting))))


def _json_value(value: Any) -> Any:
    """A number that JSON lacks (infinite, NaN) as a word, any other value as it is."""
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def outcome(checks: Sequence[Check], *, words: str = "not the same task") -> tuple[Status, str]:
    """The status that follows from a trace's checks, and the first failed one as the reason.

    `words` say what it shows that one has failed.
    """
    failed = [check for check in checks if not check.passed]
    return ("wrong", f"{words}: {failed[0]}") if failed else ("ok", "")


def check_fields(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Checks as JSON objects, with numbers that are not finite written as words."""
    return [{key: _json_value(value) for key, value in asdict(check).items()} for check in checks]


def read_checks(fields: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields of checks from their JSON objects, with their numbers as numbers.

    Raises KeyError, TypeError or ValueError for another form.
    """
    return [
        {
            **check,
            "deviation": float(check["deviation"]),
            "ulps": None if check["ulps"] is None else float(check["ulps"]),
        }
        for check in fields
    ]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Whether a claim holds: `status` is ok if it does, and `reason` says why if it does not.

    `losses` are those of the first steps, for a chart. `seed` is that of the proof: of its weights,
    its batches, and the number of its steps. `dataset` is the name of the prepared
    folder; `data` says whether the data are real and official.
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
    seed: int = USUAL_SEED

    def to_fields(self) -> dict[str, Any]:
        """The certificate as a JSON object, with numbers that are not finite written as words."""
        losses = [_json_value(loss) for loss in self.losses]
        return {**asdict(self), "checks": check_fields(self.checks), "losses": losses}

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Certificate:
        """The certificate from its JSON object. Raises ValueError for another form."""
        try:
            checks = read_checks(fields["checks"])
            losses = [float(loss) for loss in fields["losses"]]
            claim = asdict(Claim.from_fields(fields["claim"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"malformed: {error}") from None
        nested = {"claim": claim, "checks": checks, "losses": losses}
        return msgspec.convert({**fields, **nested}, Certificate)

    def __str__(self) -> str:
        """The claim, in one line."""
        return str(self.claim)
