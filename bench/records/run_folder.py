"""A run's folder: `run.json`, `records.jsonl`, `logs/`, `pictures/`, its tables and its page.

A record is on the disk before the next job starts, so that no measurement is lost. What is damaged
is never fatal for what is not: `Run.lines` says which lines of a run are left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from bench.core.errors import UsageError
from bench.core.record import Record
from bench.core.shard import Shard
from bench.proof.certificate import Certificate
from bench.proof.late_proof import LateProof
from bench.records import consistency, partial_run, record_lines, run_fields
from bench.records.node_kinds import NodeKind, node_kinds, node_words
from bench.records.record_lines import RecordLines
from bench.records.snapshot import Caveat, Snapshot
from bench.system import files, whole_json
from bench.system.folder_with import folder_with
from bench.system.plain_text import one_line

LOGS, PICTURES = "logs", "pictures"
INFO, RECORDS = "run.json", "records.jsonl"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as read from its folder. `info` is its run.json.

    `records` are those that count, or a part of them; `lines` tells where they were read.
    """

    folder: Path
    info: dict[str, Any]
    records: list[Record]
    lines: RecordLines = field(default_factory=RecordLines)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The run's tasks and frameworks as they were when it was measured.

        A run that is older than snapshots gets one of the present source. Raises UsageError if the
        snapshot in run.json cannot be read.
        """
        if "snapshot" not in self.info:
            return _present_snapshot(self)
        try:
            return Snapshot.from_fields(self.info["snapshot"])
        except ValueError as error:
            raise UsageError(f"{self.folder / INFO}: {one_line(str(error))}") from None

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificates of the run. Raises UsageError if one in run.json cannot be read."""
        try:
            return tuple(map(Certificate.from_fields, self.info.get("certificates", [])))
        except ValueError as error:
            raise UsageError(
                f"{self.folder / INFO}: a certificate: {one_line(str(error))}"
            ) from None

    @cached_property
    def late_proofs(self) -> tuple[LateProof, ...]:
        """What the ends of its jobs showed. Raises UsageError if one in run.json cannot be read."""
        try:
            return tuple(map(LateProof.from_fields, self.info.get("late_proofs", [])))
        except ValueError as error:
            raise UsageError(
                f"{self.folder / INFO}: a late proof: {one_line(str(error))}"
            ) from None

    @cached_property
    def shard(self) -> Shard | None:
        """The part of a run that it is; None if it is whole. Raises UsageError for no shard."""
        try:
            return msgspec.convert(self.info.get("request", {}).get("shard"), Shard | None)
        except ValueError as error:
            raise UsageError(f"{self.folder / INFO}: the shard: {one_line(str(error))}") from None

    @cached_property
    def node_kinds(self) -> tuple[NodeKind, ...]:
        """The kinds of the machines that measured its records; one kind for most runs."""
        return node_kinds(self.info, (record.node for record in self.records))

    @property
    def finished(self) -> bool:
        """Whether it ended by itself, and not by an interruption."""
        return "wall_seconds" in self.info

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of its figures must know: the snapshot's, what is left out, or mixed."""
        figures = (f"run {self.info.get('name', self.folder.name)}",)
        whole = (found.record for found in self.lines.counting)
        words = [
            partial_run.words(self.info, whole, tasks=len(self.snapshot.tasks)),
            node_words(self.node_kinds),
            self.lines.words(),
            self.lost,
            *consistency.mixtures(self.records, self.line),
        ]
        own = (Caveat(figures=figures, text=text) for text in words if text)
        return (*self.snapshot.caveats, *own)

    @property
    def lost(self) -> str:
        """How many records it lacks though it is finished; "" for none."""
        if not self.finished:
            return ""
        whole = [found.record for found in self.lines.counting]
        return consistency.lost(whole, self.info, left_out=len(self.lines.left_out))

    def line(self, position: int) -> int:
        """The line of a record, by its position among `records`."""
        return self._lines_by_record.get(id(self.records[position]), position + 1)

    @cached_property
    def _lines_by_record(self) -> dict[int, int]:
        return {id(found.record): found.line for found in self.lines.counting}


def _present_snapshot(run: Run) -> Snapshot:
    """A snapshot for a run without one: the run's settings, all else from the present source."""
    from bench.records.snapshot_taking import take

    cells = list(dict.fromkeys(record.job.cell for record in run.records))
    budgets = {record.job.cell.task: record.job.budget for record in run.records}
    return take(cells, budgets, settings=run.info.get("settings", {}))


def check_writable(folder: Path) -> None:
    """Raises UsageError if `folder` holds a run or cannot be written to. Creates nothing."""
    if (folder / "run.json").exists():
        raise UsageError(f"{folder} holds a run already; choose another --name")
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir():
        raise UsageError(f"cannot write results to {folder}: {existing} is a file")
    if not os.access(existing, os.W_OK):
        raise UsageError(f"cannot write results to {folder}: {existing} is not writable")


def write_info(folder: Path, info: dict[str, Any]) -> None:
    """Write a run's `run.json`."""
    files.write(folder / INFO, json.dumps(info, indent=2, sort_keys=True) + "\n")


def write(folder: Path, info: dict[str, Any], lines: str) -> None:
    """Write a whole run: the lines of its records, and then its `run.json`, which makes it one."""
    files.write(folder / RECORDS, lines)
    write_info(folder, info)


class RunFolder:
    """The folder of a run in progress."""

    def __init__(self, folder: Path) -> None:
        """Create the folder."""
        self.folder = folder
        (folder / LOGS).mkdir(parents=True, exist_ok=True)

    def write_info(self, info: dict[str, Any]) -> None:
        write_info(self.folder, info)

    def append_lines(self, lines: Sequence[str]) -> None:
        """Add the lines of several records at once. Returns once they are on the disk."""
        files.append_line(self.folder / RECORDS, "\n".join(lines))

    def append(self, record: Record) -> None:
        """Add a record. Returns once it is on the disk."""
        files.append_line(self.folder / RECORDS, record.to_json())


def end_last_line(folder: Path) -> None:
    """Give the last record its line end, without which the next writer would cut it off."""
    with (folder / RECORDS).open("ab") as file:
        file.write(b"\n")


def read_info(folder: Path) -> dict[str, Any]:
    """The `run.json` of a folder. Raises UsageError if it is missing, damaged, or of no run."""
    file = folder / INFO
    try:
        info: dict[str, Any] = whole_json.decode(files.read(file))
        run_fields.check(info)
    except FileNotFoundError:
        what = f"{folder} holds no run: {INFO} is missing"
        raise UsageError(what if folder.exists() else f"there is no run {folder}") from None
    except NotADirectoryError:
        raise UsageError(f"{folder} holds no run: it is a file") from None
    except IsADirectoryError:
        raise UsageError(f"{folder} holds no run: {INFO} is a folder") from None
    except ValueError as error:
        reason = one_line(str(error)) if file.stat().st_size else "it is empty"
        raise UsageError(f"{file} cannot be read: {reason}") from None
    return info


def read(folder: Path) -> Run:
    """The run in `folder`, without the lines that are no records.

    Raises UsageError if there is none, or if its `run.json` cannot be read.
    """
    info = read_info(folder)
    try:
        # A shard has not every block, and the nodes of a cluster are not done in order.
        any_order = info.get("repeats", 0) if info.get("blocks_by_task") else 0
        with files.open_regular(folder / RECORDS) as stream:
            lines = record_lines.read(stream, any_order=any_order)
    except FileNotFoundError:  # interrupted before its first record
        lines = RecordLines()
    except IsADirectoryError:
        raise UsageError(f"{folder} holds no run: {RECORDS} is a folder") from None
    records = [found.record for found in lines.counting]
    run = Run(folder=folder, info=info, records=records, lines=lines)
    # Now, so that a run that is read can be reported.
    if "snapshot" in info:
        _ = run.snapshot
    _ = run.certificates, run.late_proofs, run.shard
    return run


def find(run: Path, results: Path) -> Run:
    """A run by its folder, or by its name under `results`. Raises UsageError if there is none."""
    return read(folder_with(INFO, run, results))


def part(run: Run, *, tasks: Collection[str]) -> Run:
    """The run with only the records of `tasks`, or with all of them if `tasks` is empty.

    Frameworks cannot be chosen likewise, because the blocks of a table depend on every framework
    in it. Raises UsageError for a task of which the run has no record, unless it has none at all.
    """
    measured = sorted({record.job.cell.task for record in run.records})
    if missing := [task for task in dict.fromkeys(tasks) if measured and task not in measured]:
        raise UsageError(
            f"{run.folder} has no records of {', '.join(missing)}; its tasks: {', '.join(measured)}"
        )
    return replace(
        run,
        records=[record for record in run.records if not tasks or record.job.cell.task in tasks],
    )
