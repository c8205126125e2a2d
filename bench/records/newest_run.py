"""The newest of the runs in a folder: the one that was started last, whenever it went on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.core.errors import UsageError
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.system import files, whole_json
from bench.system.moments import moment


class _Beginning(msgspec.Struct):
    """What is needed of a `run.json`; all else, which may be long, is skipped."""

    started: object = ""


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest run of a folder, and why newer ones are passed over, a line for each."""

    run: Run
    passed_over: tuple[str, ...]


def newest(results: Path, *, finished: bool = True) -> Newest:
    """The last run under `results` that is finished, or the last that is not.

    If none is finished, the last unfinished one stands in. Raises UsageError if no run can be read.
    """
    others: list[Newest] = []
    passed_over: list[str] = []
    for folder in _by_start(results):
        try:
            run = run_folder.read(folder)
        except (UsageError, OSError) as error:
            passed_over.append(f"{folder} is passed over: {error}")
            continue
        found = Newest(run=run, passed_over=tuple(passed_over))
        if run.finished == finished:
            return found
        others.append(found)
        if finished:
            passed_over.append(f"{folder} is passed over: it is not finished")
    if others and finished:
        return others[0]
    kind = "" if finished else "unfinished "
    hint = "" if passed_over else "; make one with `framebench run`"
    raise UsageError("; ".join([f"no {kind}run in {results}{hint}", *passed_over]))


def _by_start(results: Path) -> Iterator[Path]:
    """The folders of runs, the last started first: a copy's files may have later times."""
    started = {}
    for file in results.glob(f"*/{run_folder.INFO}"):
        try:
            started[file.parent] = (moment(_started(files.read(file))), file.stat().st_mtime)
        except OSError:
            started[file.parent] = (0.0, 0.0)
    yield from sorted(started, key=lambda folder: started[folder], reverse=True)


def _started(info: bytes) -> object:
    """When the run of a `run.json` was started, as that says it; "" if it cannot be read."""
    try:
        return msgspec.json.decode(info, type=_Beginning).started
    except (ValueError, RecursionError):  # perhaps for half pairs, which are no damage
        pass
    try:
        whole = whole_json.decode(info)
    except ValueError:
        return ""
    return whole.get("started", "") if isinstance(whole, dict) else ""
