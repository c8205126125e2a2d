"""A run's folder on disk: `run.json`, `records.jsonl`, `summary.csv`, `summary.md`, `logs/`.

A record is on the disk before the next job starts, so that what has been measured is never lost.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import UsageError
from bench.core.record import Record


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as read from its folder. `info` is its run.json."""

    folder: Path
    info: dict[str, Any]
    records: list[Record]


class RunFolder:
    """A run that is being made."""

    def __init__(self, folder: Path) -> None:
        """Make the folder. Raises UsageError if that is not possible or a run is in it already."""
        self.folder = folder
        self.logs = folder / "logs"
        try:
            self.logs.mkdir(parents=True)
        except FileExistsError:
            raise UsageError(f"{folder} holds a run already; choose another --name") from None
        except OSError as error:
            raise UsageError(
                f"cannot write results to {folder}: {error.strerror}; choose another --results"
            ) from None

    def write_info(self, info: dict[str, Any]) -> None:
        text = json.dumps(info, indent=2, sort_keys=True)
        (self.folder / "run.json").write_text(text + "\n", encoding="utf-8")

    def append(self, record: Record) -> None:
        """Add a record, and return when it is on the disk."""
        with (self.folder / "records.jsonl").open("a", encoding="utf-8") as file:
            file.write(record.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def write_text(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


def read(folder: Path) -> Run:
    """The run in `folder`. Raises UsageError if there is none, or a record cannot be read."""
    records_file = folder / "records.jsonl"
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        lines = records_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no run: {Path(error.filename).name} is missing") from None
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(Record.from_json(line))
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{records_file}, line {number}: not a record: {error}") from None
    return Run(folder=folder, info=info, records=records)


def newest(results: Path) -> Path:
    """The folder of the last run under `results`. Raises UsageError if there is none."""
    runs = [file.parent for file in results.glob("*/run.json")]
    if not runs:
        raise UsageError(f"no run in {results}; make one with `framebench run`")
    return max(runs, key=lambda folder: (folder / "run.json").stat().st_mtime)
