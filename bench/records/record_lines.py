"""The lines of `records.jsonl`: what is whole is taken, and the rest is named with its reason.

Of the records of a cell in a block, one counts. If a job crashed, timed out or failed, a later
record of it counts instead: `framebench run --resume` has measured it again. Any other later record
of the same job is left out, as no run writes one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from bench.core.plausibility import objection
from bench.core.record import SCHEMA, Cell, Record, upgraded
from bench.system import whole_json
from bench.system.plain_text import one_line

# A job that ended like this may end otherwise the next time. What is wrong, diverges, or is not
# offered stays so on the same machine.
PASSING = frozenset({"crashed", "timeout", "failed"})

# Lines that are named; of all others only the number is told.
_NAMED = 3


class DataFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a record must say of its data, if it says anything."""

    name: str
    source: str
    official: dict[str, bool]
    digest: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A line that is no record: its number, from 1, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class NumberedRecord:
    """A record, and the number of its line, from 1."""

    line: int
    record: Record


@dataclass(frozen=True, kw_only=True)
class RecordLines:
    """The lines of a file: the records that count, those that they replace, and what is left out.

    `total` counts all lines, also a last one that is `unended`: without a line end.
    """

    counting: tuple[NumberedRecord, ...] = ()
    replaced: tuple[NumberedRecord, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    total: int = 0
    unended: bool = False

    @property
    def torn(self) -> bool:
        """Whether the last line is unfinished, and no record: the next writer cuts it off."""
        return self.unended and any(line.line == self.total for line in self.left_out)

    def words(self) -> str:
        """What is left out, in one line; "" if nothing is."""
        if not self.left_out:
            return ""
        named = [str(line) for line in self.left_out[:_NAMED]]
        if len(self.left_out) > _NAMED:
            named.append(f"and {len(self.left_out) - _NAMED} more")
        are = "are" if len(self.left_out) > 1 else "is"
        return (
            f"{len(self.left_out)} of {self.total} lines of records.jsonl {are} left out: "
            f"{'; '.join(named)}"
        )


_decoder = msgspec.json.Decoder(Record)


def record(line: bytes) -> Record:
    """The record in a line of records.jsonl. Raises ValueError for a malformed or unknown one."""
    found: Record | None = None
    with suppress(ValueError, RecursionError):
        found = _decoder.decode(line)
    if found is None or found.schema != SCHEMA:
        fields = whole_json.decode(line)
        try:
            found = msgspec.convert(upgraded(fields), Record)
        except (KeyError, TypeError, AttributeError) as error:
            what = f": {error} is missing" if isinstance(error, KeyError) else ""
            raise ValueError(f"not a record{what}") from None
    if found.dataset:
        msgspec.convert(found.dataset, DataFields)
    if why := objection(found):
        raise ValueError(why)
    return found


def read(lines: Iterable[bytes], *, any_order: int = 0) -> RecordLines:
    """All that can be read from the lines of a `records.jsonl`, with their line ends.

    The first `any_order` blocks may be on any line; every other one is behind all before it.
    """
    number, unended = 0, False
    counting: dict[tuple[Cell, int], NumberedRecord] = {}
    replaced: list[NumberedRecord] = []
    left_out: list[LeftOut] = []
    for number, line in enumerate(lines, start=1):
        unended = not line.endswith(b"\n")  # as only a last line can be
        try:
            found = NumberedRecord(line=number, record=record(line.removesuffix(b"\n")))
        except ValueError as error:
            unfinished = "unfinished: " if unended else ""
            reason = one_line(f"{unfinished}{error}", limit=120)
            left_out.append(LeftOut(line=number, reason=reason))
            continue
        job = found.record.job
        if job.block >= max(number, any_order):  # every block before it has a line at least
            reason = f"block {job.block} cannot be on line {number}"
            left_out.append(LeftOut(line=number, reason=reason))
            continue
        key = (job.cell, job.block)
        earlier = counting.get(key)
        if earlier and earlier.record.status not in PASSING:
            reason = f"block {job.block} of its cell is on line {earlier.line} already"
            left_out.append(LeftOut(line=number, reason=reason))
            continue
        if earlier:
            replaced.append(earlier)
        counting[key] = found
    return RecordLines(
        counting=tuple(sorted(counting.values(), key=lambda found: found.line)),
        replaced=tuple(replaced),
        left_out=tuple(left_out),
        total=number,
        unended=unended,
    )
