"""A run's folder on disk: `run.json`, `records.jsonl`, `logs/`, and its tables and page.

A record is on the disk before the next job starts, so that no measurement is lost.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from bench.core.errors import UsageError
from bench.core.record import SCHEMA, Record, upgraded
from bench.records.snapshot import Snapshot

LOGS = "logs"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as read from its folder. `info` is its run.json."""

    folder: Path
    info: dict[str, Any]
    records: list[Record]

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
            raise UsageError(f"{self.folder / 'run.json'}: {error}") from None


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
    text = json.dumps(info, indent=2, sort_keys=True)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")


class RunFolder:
    """The folder of a run in progress."""

    def __init__(self, folder: Path) -> None:
        """Create the folder."""
        self.folder = folder
        (folder / LOGS).mkdir(parents=True, exist_ok=True)

    def write_info(self, info: dict[str, Any]) -> None:
        write_info(self.folder, info)

    def append(self, record: Record) -> None:
        """Add a record. Returns once it is on the disk."""
        with (self.folder / "records.jsonl").open("a", encoding="utf-8") as file:
            file.write(record.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())


_decoder = msgspec.json.Decoder(Record)


def record(line: bytes) -> Record:
    """The record in a line of records.jsonl. Raises ValueError for a malformed or unknown one."""
    with suppress(msgspec.ValidationError):
        decoded = _decoder.decode(line)
        if decoded.schema == SCHEMA:
            return decoded
    return msgspec.convert(upgraded(msgspec.json.decode(line)), Record)


def read(folder: Path) -> Run:
    """The run in `folder`. Raises UsageError if there is none, or a record cannot be read."""
    records_file = folder / "records.jsonl"
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        lines = records_file.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no run: {Path(error.filename).name} is missing") from None
    except NotADirectoryError:
        raise UsageError(f"{folder} holds no run: it is a file") from None
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(record(line))
        except ValueError as error:
            raise UsageError(f"{records_file}, line {number}: not a record: {error}") from None
    return Run(folder=folder, info=info, records=records)


def find(run: Path | None, results: Path) -> Run:
    """A run by its folder, or by its name under `results`; the newest there if `run` is None.

    Raises UsageError if there is no such run.
    """
    if run is None:
        return read(newest(results))
    named = results / run
    return read(named if not run.exists() and named.exists() else run)


def part(run: Run, *, tasks: Collection[str]) -> Run:
    """The run with only the records of `tasks`, or with all of them if `tasks` is empty.

    Frameworks cannot be chosen likewise, because the blocks of a table depend on every framework
    in it. Raises UsageError if the run has no record of these tasks.
    """
    records = [record for record in run.records if not tasks or record.job.cell.task in tasks]
    if not records and run.records:
        measured = ", ".join(sorted({record.job.cell.task for record in run.records}))
        raise UsageError(
            f"{run.folder} has no records of {', '.join(tasks)}; its tasks: {measured}"
        )
    return replace(run, records=records)


def newest(results: Path) -> Path:
    """The folder of the last run under `results`. Raises UsageError if there is none."""
    runs = [file.parent for file in results.glob("*/run.json")]
    if not runs:
        raise UsageError(f"no run in {results}; make one with `framebench run`")
    return max(runs, key=_started)


def _started(folder: Path) -> tuple[str, float]:
    """When a run started, as its run.json says: a copy's files may have later times."""
    file = folder / "run.json"
    started = re.search(r'"started": "([^"]*)"', file.read_text(encoding="utf-8"))
    return started[1] if started else "", file.stat().st_mtime
