"""What in a run's records does not agree with the rest of the run: mixtures, and what is lost.

Such a run is read, as each of its records may be sound; what it mixes or lacks is told with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from bench.core.grouping import grouped
from bench.core.record import Record
from bench.core.task import Budget
from bench.system.word_lists import few

# More lines are counted, not named.
_NAMED = 5


class _Told(NamedTuple):
    """What a record tells that others should tell as well, and its position among all."""

    at: int
    task: str
    framework: str
    budget: Budget
    data: object
    weights: str | None
    versions: Mapping[str, str]
    source: str

    @staticmethod
    def of(at: int, record: Record) -> _Told:
        job = record.job
        return _Told(
            at=at,
            task=job.cell.task,
            framework=job.cell.framework,
            budget=job.budget,
            data=record.dataset.get("digest", {}),
            weights=job.weights.sha256 if job.weights else None,
            versions=record.versions,
            source=record.source_digest,
        )


# What all processes of a task, or of a framework, have in common: by words.
_COMMON: Mapping[str, Mapping[str, str]] = {
    "task": {"budget": "budget", "data": "data", "file of weights": "weights"},
    "framework": {"versions": "versions", "source": "source"},
}


def mixtures(records: Sequence[Record], line: Callable[[int], int]) -> Iterator[str]:
    """What differs among records that should agree, with the lines of those that differ.

    `line` gives the number of a record's line by its position. Records without a measurement do
    not count.
    """
    # Each record is read once: of many thousands, most lie outside of the processor's caches.
    told = [_Told.of(at, record) for at, record in enumerate(records) if record.measurement]
    for kind, common in _COMMON.items():
        groups = grouped(told, attrgetter(kind))
        for what, name_of in common.items():
            for name, members in groups.items():
                values = [*map(attrgetter(name_of), members)]
                odd = [str(line(members[place].at)) for place in _odd(values)]
                if odd:
                    numbers = f"line{'s' * (len(odd) > 1)} {few(odd, _NAMED)}"
                    yield (
                        f"{name}: {len(odd)} of {len(members)} records had another {what} than the "
                        f"others: {numbers} of records.jsonl"
                    )


def _odd(values: Sequence[object]) -> list[int]:
    """The places of the values that are not the most common one, nor equal to it."""
    if values.count(values[0]) == len(values):  # as nearly always: what follows is slow
        return []
    texts = [msgspec.json.encode(value, order="sorted") for value in values]
    usual = Counter(texts).most_common(1)[0][0]
    return [place for place, text in enumerate(texts) if text != usual]


def planned_repeats(info: Mapping[str, Any]) -> int:
    """How many blocks of each task are planned; 0 if it was to stop `--until` a figure."""
    return 0 if info.get("request", {}).get("until") else info.get("repeats", 0)


def lost(records: Sequence[Record], info: Mapping[str, Any], *, left_out: int) -> str:
    """How many records a finished run lacks, beyond the lines that are left out; "" for none.

    No two of the records are of the same cell and block. Every cell is in every block, of which
    there are as many as were planned, or more; or fewer, if the time for `--until` was up. A shard
    says itself how many blocks of each task it has.
    """
    jobs = [record.job for record in records]
    blocks = max(planned_repeats(info), 1 + max([job.block for job in jobs], default=-1))
    cells = {job.cell for job in jobs}
    if not records:
        return "all of its records are missing" if blocks and not left_out else ""
    by_task = info.get("blocks_by_task") or {}
    planned = sum(by_task.get(cell.task, blocks) for cell in cells)
    missing = planned - len(records) - left_out
    if missing <= 0:
        return ""
    return f"{missing} of its {planned} records {'is' if missing == 1 else 'are'} missing"
