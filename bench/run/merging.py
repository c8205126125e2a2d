"""Making one run of shards, or of anything else that measured different blocks of the same run."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.errors import UsageError
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.records.node_kinds import node_kinds
from bench.records.partial_run import MOST_NAMED
from bench.records.run_folder import RECORDS, Run
from bench.run.part_differences import check_together
from bench.run.task_blocks import TaskBlock
from bench.system import files
from bench.system.word_lists import few

# The options that differ between shards of a run, and how many words each takes.
_OWN_OPTIONS = ("--shard", "--name")
# What every run says of packages and data, by name; a shard lacks those of the others' tasks.
_UNITED = ("environments", "data", "installed_bytes", "package_records", "source_digests")


@dataclass(frozen=True, kw_only=True)
class MergedRun:
    """The content of a run's `run.json` and `records.jsonl`."""

    info: dict[str, Any]
    lines: str


def merge(runs: Sequence[Run], *, name: str, partial: bool) -> MergedRun:
    """One run of several. Raises UsageError, which names the reason, if they are not parts of one.

    If `partial`, blocks may be missing; the run is then unfinished.
    """
    if len(runs) < 2:
        raise UsageError("merge needs two runs or more: framebench merge RUN RUN... --name NAME")
    for other in runs[1:]:
        check_together(runs[0], other)
    _check_disjoint(runs)
    lacking = _lacking(runs)
    if lacking and not partial:
        raise UsageError(f"{lacking}; give --partial to merge what is there")
    nodes = [record.node for run in runs for record in run.records]
    info = merged_info([run.info for run in runs], nodes)
    info |= {"name": name, "command": _whole_command(info.get("command", ""))}
    info["merged"] = [origin for run in runs for origin in _origins(run)]
    repeats, tasks = info["repeats"], info["snapshot"]["tasks"]
    if lacking:
        info["blocks_by_task"] = {task["name"]: repeats for task in tasks}
    else:
        info["stopped"] = f"{repeats} blocks, merged from {len(runs)} runs"
        info["wall_seconds"] = round(sum(part["wall_seconds"] for part in info["merged"]), 1)
    return MergedRun(info=info, lines=_lines(runs))


def merged_info(infos: Sequence[Mapping[str, Any]], nodes: Iterable[str]) -> dict[str, Any]:
    """The `run.json` of parts of a run, without how it ended; all else is the first part's.

    `nodes` are the names of the machines in their records.
    """
    # Blocks are exactly those that were planned, also where a partial run goes on.
    request = {**infos[0]["request"], "shard": None, "spare": 0}
    info: dict[str, Any] = {**infos[0], "request": request}
    for key in ("blocks_by_task", "stopped", "wall_seconds", "resumed"):
        info.pop(key, None)
    for key in (*_UNITED, "nodes"):
        info[key] = {name: value for part in infos for name, value in part.get(key, {}).items()}
    # A share of the peak needs one machine's peak.
    alike = len(node_kinds(info, nodes)) == 1
    info["rates"] = [rates for part in infos if alike for rates in part.get("rates", [])]
    info["started"] = min(part["started"] for part in infos)
    for key, subject in (("certificates", "claim"), ("late_proofs", "cell")):
        info[key] = _one_each([proof for part in infos for proof in part.get(key, [])], subject)
    info["snapshot"] = _merged_snapshot([part["snapshot"] for part in infos])
    return info


def _merged_snapshot(snapshots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first snapshot, which says so if the settings of another machine's are not its own."""
    first = dict(snapshots[0])
    if all(snapshot["frameworks"] == first["frameworks"] for snapshot in snapshots):
        return first
    caveat = {
        "figures": ["settings"],
        "text": "some follow the processor's vendor, and are shown as on the first machine",
    }
    others = [known for known in first["caveats"] if known != caveat]
    return {**first, "caveats": [*others, caveat]}


def _one_each(proofs: Sequence[Mapping[str, Any]], subject: str) -> list[Mapping[str, Any]]:
    """One proof of each subject: the first that is not ok, as it must hold on every machine."""
    by_subject = grouped(proofs, lambda proof: json.dumps(proof[subject], sort_keys=True))
    return [
        next((proof for proof in own if proof["status"] != "ok"), own[0])
        for own in by_subject.values()
    ]


def _check_disjoint(runs: Sequence[Run]) -> None:
    """Raises UsageError for two runs that have the same block of the same task."""
    owner: dict[TaskBlock, Run] = {}
    for run in runs:
        for part in {_part(record.job.cell, record.job.block): None for record in run.records}:
            if part in owner:
                raise UsageError(
                    f"{owner[part].folder} and {run.folder} both have block {part.block} of "
                    f"{part.task}"
                )
        owner |= {_part(record.job.cell, record.job.block): run for record in run.records}


def _part(cell: Cell, block: int) -> TaskBlock:
    return TaskBlock(task=cell.task, block=block)


def _missing(runs: Sequence[Run]) -> list[TaskBlock]:
    """The planned blocks of tasks that no run has with all of the task's cells."""
    found: dict[TaskBlock, set[Cell]] = defaultdict(set)
    cells: dict[str, set[Cell]] = defaultdict(set)
    for run in runs:
        for record in run.records:
            cell = record.job.cell
            found[_part(cell, record.job.block)].add(cell)
            cells[cell.task].add(cell)
    info = runs[0].info
    planned = (
        TaskBlock(task=task["name"], block=block)
        for block in range(info["repeats"])
        for task in info["snapshot"]["tasks"]
    )
    return [part for part in planned if found[part] != cells[part.task] or not found[part]]


def _lacking(runs: Sequence[Run]) -> str:
    """What the run lacks: the end of a part, shards, or else blocks; "" if it is whole."""
    measured = [run for run in runs if "merged" not in run.info]
    if unfinished := [str(run.folder) for run in measured if not run.finished]:
        return (
            f"{', '.join(unfinished)} not finished: go on by framebench run --resume, part by part"
        )
    shards = [run.shard for run in runs if run.shard]
    if len(shards) == len(runs):
        count = shards[0].count
        absent = sorted(set(range(1, count + 1)) - {shard.number for shard in shards})
        if absent:
            return f"shards missing: {few([f'{number}/{count}' for number in absent], MOST_NAMED)}"
    blocks = [f"{part.task} {part.block}" for part in _missing(runs)]
    return f"blocks missing: {few(blocks, MOST_NAMED)}" if blocks else ""


def _lines(runs: Sequence[Run]) -> str:
    """The lines of the records that count, as they are, block by block."""
    lines: list[tuple[int, int, int, bytes]] = []
    for place, run in enumerate(runs):
        content = files.read(run.folder / RECORDS).split(b"\n") if run.records else []
        lines += [
            (found.record.job.block, place, found.line, content[found.line - 1])
            for found in run.lines.counting
        ]
    return "".join(f"{line.decode()}\n" for *_, line in sorted(lines))


def _whole_command(command: str) -> str:
    """The command of the whole run, by that of a shard."""
    words = iter(shlex.split(command))
    whole = []
    for word in words:
        option, equals, _ = word.partition("=")
        if option not in _OWN_OPTIONS:
            whole.append(word)
        elif not equals:
            next(words, None)
    return shlex.join(whole)


def _origins(run: Run) -> list[dict[str, Any]]:
    """What a merged run tells of one of its parts: if that was merged, of the parts of that."""
    if "merged" in run.info and not run.finished:
        parts: list[dict[str, Any]] = run.info["merged"]
        return parts
    keys = ("name", "command", "started", "wall_seconds", "health", "resumed")
    own = {key: run.info[key] for key in keys if key in run.info}
    return [
        {"wall_seconds": 0.0, **own, "shard": str(run.shard or ""), "records": len(run.records)}
    ]
