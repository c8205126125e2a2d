"""What readers must know of a run that has a part of the blocks: a shard, or a merge of some.

A block is a repeat of every cell of a task, and a run has so many of each task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from bench.core.record import Cell, Record
from bench.system.word_lists import few

# Of a shard in which no end is proved.
PROVED_ELSEWHERE = "each cell's end is proved in a block of another shard"
# More missing shards are counted, not named.
MOST_NAMED = 5


def is_part(info: Mapping[str, Any]) -> bool:
    """Whether a run with this `run.json` is a shard, or a merge that lacks blocks."""
    is_shard = bool(info.get("request", {}).get("shard"))
    return is_shard or ("merged" in info and "wall_seconds" not in info)


def words(info: Mapping[str, Any], records: Iterable[Record], *, tasks: int) -> str:
    """What readers must know of a part of a run, which has so many tasks; "" for a whole run."""
    if not is_part(info):
        return ""
    repeats = info.get("repeats", 0)
    if shard := info.get("request", {}).get("shard"):
        has = blocks_words(
            sum(info.get("blocks_by_task", {}).values()), repeats=repeats, tasks=tasks
        )
        return (
            f"shard {shard['number']} of {shard['count']}: {has}; `framebench merge` makes one run "
            "of all shards"
        )
    has = blocks_words(_whole_blocks(records), repeats=repeats, tasks=tasks)
    return (
        f"{_merged_without(info['merged'])}: it has {has}, and so wider intervals than the whole "
        "run; `framebench merge` adds a shard that comes late, and `framebench run --resume` "
        "measures what is missing"
    )


def blocks_words(blocks: int, *, repeats: int, tasks: int) -> str:
    """So many of the blocks of a run that has `repeats` of each of its `tasks`."""
    of_each = f" ({repeats} of each task)" if tasks > 1 else ""
    return f"{blocks} of the run's {repeats * tasks} blocks{of_each}"


def _merged_without(parts: Iterable[Mapping[str, Any]]) -> str:
    shards = [part.get("shard", "") for part in parts]
    if not all(shards):
        return "merged from a part of the run"
    count = int(shards[0].partition("/")[2])
    there = {int(shard.partition("/")[0]) for shard in shards}
    absent = [f"{number}/{count}" for number in range(1, count + 1) if number not in there]
    if not absent:
        return "merged from shards that were not finished"
    return f"merged without shard{'s' * (len(absent) > 1)} {few(absent, MOST_NAMED)}"


def _whole_blocks(records: Iterable[Record]) -> int:
    """How many blocks of a task have a record of every cell of the task."""
    found: dict[tuple[str, int], set[Cell]] = defaultdict(set)
    cells: dict[str, set[Cell]] = defaultdict(set)
    for record in records:
        cell = record.job.cell
        found[cell.task, record.job.block].add(cell)
        cells[cell.task].add(cell)
    return sum(own == cells[task] for (task, _), own in found.items())
