"""What in a run's records does not agree with the rest of the run: mixtures, and what is lost.

Such a run is read, as each of its records may be sound; what it mixes or lacks is told with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

from bench.core.record import Record


def _versions(record: Record) -> Hashable:
    return tuple(sorted(record.versions.items()))


def _data(record: Record) -> Hashable:
    return tuple(sorted(record.dataset.get("digest", {}).items()))


# What all processes of a task, or of a framework, have in common: words, whose, and its value.
_COMMON: Sequence[tuple[str, Callable[[Record], str], Callable[[Record], Hashable]]] = (
    ("budget", lambda record: record.job.cell.task, lambda record: record.job.budget),
    ("data", lambda record: record.job.cell.task, _data),
    ("file of weights", lambda record: record.job.cell.task, lambda record: record.job.weights),
    ("versions", lambda record: record.job.cell.framework, _versions),
    ("source", lambda record: record.job.cell.framework, lambda record: record.source_digest),
)


def mixtures(records: Sequence[Record], line: Callable[[int], int]) -> Iterator[str]:
    """What differs among records that should agree, with the lines of those that differ.

    `line` gives the number of a record's line by its position. Records without a measurement do
    not count.
    """
    measured = [(at, record) for at, record in enumerate(records) if record.measurement]
    for what, whose, value in _COMMON:
        groups: dict[str, list[tuple[int, Hashable]]] = defaultdict(list)
        for at, record in measured:
            groups[whose(record)].append((at, value(record)))
        for name, members in groups.items():
            usual = Counter(found for _, found in members).most_common(1)[0][0]
            odd = [str(line(at)) for at, found in members if found != usual]
            if odd:
                numbers = f"line{'s' * (len(odd) > 1)} {', '.join(odd[:5])}"
                more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
                yield (
                    f"{name}: {len(odd)} of {len(members)} records had another {what} than the "
                    f"others: {numbers}{more} of records.jsonl"
                )


def planned_repeats(info: Mapping[str, Any]) -> int:
    """How many blocks of each task are planned; 0 if it was to stop `--until` a figure."""
    return 0 if info.get("request", {}).get("until") else info.get("repeats", 0)


def lost(records: Sequence[Record], info: Mapping[str, Any], *, left_out: int) -> str:
    """How many records a finished run lacks, beyond the lines that are left out; "" for none.

    Every cell is in every block, of which there are as many as were planned, or more; or fewer, if
    the time for `--until` was up. A shard says itself how many blocks of each task it has.
    """
    blocks = max([planned_repeats(info), *(1 + record.job.block for record in records)])
    cells = {record.job.cell for record in records}
    if not records:
        return "all of its records are missing" if blocks and not left_out else ""
    by_task = info.get("blocks_by_task") or {}
    planned = sum(by_task.get(cell.task, blocks) for cell in cells)
    missing = planned - len({(record.job.cell, record.job.block) for record in records}) - left_out
    if missing <= 0:
        return ""
    return f"{missing} of its {planned} records {'is' if missing == 1 else 'are'} missing"
