"""Whether what was timed was still the task at its end: one answer for each cell of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from bench.core.record import Cell, Status
from bench.proof.certificate import check_fields, outcome, read_checks
from bench.proof.one_check import Check


def late_outcome(checks: Sequence[Check]) -> tuple[Status, str]:
    """The status that follows from the checks, and the first failed one as the reason."""
    return outcome(checks, words="what was timed was no longer the task")


@dataclass(frozen=True, kw_only=True)
class LateProof:
    """Of a cell, in the block that was drawn for it: `status` is ok if it still trained its task.

    It is wrong if it did not; with any other, `reason` says why the question is open. `steps`
    counts the steps before those that were checked.
    """

    cell: Cell
    block: int
    status: Status
    reason: str = ""
    checks: tuple[Check, ...] = ()
    steps: int = 0

    def __str__(self) -> str:
        """The cell and the outcome, in one line."""
        return f"{self.cell}: {': '.join(filter(None, (self.status, self.reason)))}"

    def to_fields(self) -> dict[str, Any]:
        """The proof as a JSON object, with numbers that are not finite written as words."""
        return {**asdict(self), "checks": check_fields(self.checks)}

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> LateProof:
        """The proof from its JSON object. Raises ValueError for another form."""
        try:
            nested = {
                "cell": asdict(Cell.from_fields(fields["cell"])),
                "checks": read_checks(fields["checks"]),
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"malformed: {error}") from None
        return msgspec.convert({**fields, **nested}, LateProof)
