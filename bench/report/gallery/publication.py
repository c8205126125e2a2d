"""Publishing: a finished run is checked, copied without its logs, and told what it is for.

What sets a published run apart from the others in its folder is the `about` of its `run.json`.
"""

from __future__ import annotations

import filecmp
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.analysis.contention import Cleanness
from bench.core.errors import UsageError
from bench.core.presets import PRESETS
from bench.records.run_folder import Run, check_writable, read, write_info

# What a published run's folder may hold, and what for.
FILES = {
    "summary.md": "the tables",
    "summary.csv": "every figure of every cell",
    "records.jsonl": "one record a process: raw windows, loss and accuracy curves, versions, "
    "digests",
    "run.json": "machine, package versions of each environment, source digests, command line",
    "report.html": "the page: verdict, tables, charts, certificate, ledger",
    "report.png": "what the page shows first",
}
RECORDS, PICTURE = "records.jsonl", "report.png"
# An absolute path, of Windows too. What begins with a word, a dot or a slash is a part of
# something else: a ratio, an address, a relative path.
_PLACE = re.compile(r"(?<![\w./)\]-])(?:~?/[\w.@+~-][^\s\"':;,)]*|[A-Za-z]:\\[^\s\"']*)")
# Paths that are the same on every machine, and tell nothing of whose it is.
_COMMON = re.compile(r"/(?:usr|proc|sys|dev|etc|bin|sbin|lib|lib64)(?:/|$)")
_NAME = re.compile(r"\w[\w.-]*")


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text within JSON, keys too, with the path of keys to it."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield where, key
            yield from _texts(one, f"{where}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one, where)


def places(text: str) -> list[str]:
    """Paths in a text that belong to one machine: absolute ones outside of the system's folders."""
    if "/" not in text and "\\" not in text:  # nearly all texts of a run, which has thousands
        return []
    found = [match.group() for match in _PLACE.finditer(text) if not _COMMON.match(match.group())]
    home = Path.home().as_posix()
    return found or [home] * (home != "/" and f"{home}/" in text)


def _check_places(run: Run) -> None:
    records = (
        (f"records.jsonl, line {number}", asdict(replace(record, measurement=None)))
        for number, record in enumerate(run.records, start=1)
    )
    for file, fields in (("run.json", run.info), *records):
        for where, text in _texts(fields, ""):
            if found := places(text):
                raise UsageError(
                    f"{run.folder} is not fit to publish: {file} names a place on this machine in "
                    f"{where!r}: {found[0]}; run it with relative paths, or take it out of there"
                )


def check(run: Run) -> None:
    """Raises UsageError for a run that is unfinished, or cannot be told or repeated elsewhere."""
    if "wall_seconds" not in run.info or not run.records:
        raise UsageError(
            f"{run.folder} is not finished: {len(run.records)} processes of it are there"
        )
    command = run.info["command"]
    if shlex.split(command)[:2] != ["framebench", "run"]:
        raise UsageError(f"{run.folder} was not made by `framebench run`, but by {command!r}")
    _check_places(run)


def _about(run: Run, target: Path, given: str | None) -> str:
    """In one line: what is given, or was said of it or of the one it replaces, or its preset's."""
    preset = run.info["request"]["preset"]
    words = given or run.info.get("about") or f"{preset}: {PRESETS[preset].about}"
    if not given and "about" not in run.info and target.exists():
        before = json.loads((target / "run.json").read_text(encoding="utf-8"))
        words = before.get("about", words)
    if found := places(words):
        raise UsageError(f"--about names a place on this machine: {found[0]}")
    return " ".join(words.split())


def check_target(run: Run, target: Path, *, overwrite: bool) -> bool:
    """Whether a run is published where it lies. Raises UsageError for a folder not to be taken."""
    if not _NAME.fullmatch(target.name):
        raise UsageError(f"--name {target.name!r}: use letters, digits, '.', '_' and '-' alone")
    if not target.exists():
        check_writable(target)
        return False
    if target.samefile(run.folder):
        return True
    if not (target / "run.json").exists():
        raise UsageError(f"{target} is there and holds no run; choose another --name")
    if not overwrite:
        raise UsageError(f"{target} holds a run already; choose another --name, or give --replace")
    return False


def _shows(folder: Path, run: Run) -> bool:
    """Whether a folder has a picture, and it is of the run's records."""
    mine = run.folder / RECORDS
    return (folder / PICTURE).is_file() and filecmp.cmp(folder / RECORDS, mine, shallow=False)


def publish(
    run: Run, target: Path, *, about: str | None, overwrite: bool, forms: Callable[[Path], object]
) -> None:
    """Put a run into the folder `target`, under its name; `forms` writes tables beside its records.

    A run that lies there already stays where it is. Else it is there as a whole or not at all, and
    a run that it replaces goes. A picture is not written here, so one of the same records is kept.
    Raises UsageError for what `check` and `check_target` refuse.
    """
    check(run)
    in_place = check_target(run, target, overwrite=overwrite)
    info = {**run.info, "name": target.name, "about": _about(run, target, about)}
    if in_place:
        write_info(target, info)
        forms(target)
        return
    staged = target.with_name(f".{target.name}.partial")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        staged.mkdir(parents=True)
        shutil.copyfile(run.folder / RECORDS, staged / RECORDS)
        if pictured := [one / PICTURE for one in (run.folder, target) if _shows(one, run)]:
            shutil.copyfile(pictured[0], staged / PICTURE)
        write_info(staged, info)
        forms(staged)
        if target.exists():
            shutil.rmtree(target)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A published run, as an index tells it. `files` are those of `FILES` that there are."""

    run: Run
    name: str
    about: str
    date: str
    tasks: tuple[str, ...]
    frameworks: tuple[str, ...]
    repeats: int
    not_ok: int
    contended_share: float | None
    proved: tuple[int, int] | None
    command: str
    files: tuple[str, ...]


def _entry(run: Run) -> Entry:
    cells = [record.job.cell for record in run.records]
    clean = Cleanness.of(run.records)
    certificates = [one["status"] for one in run.info.get("certificates", [])]
    return Entry(
        run=run,
        name=run.folder.name,
        about=run.info["about"],
        date=run.info["started"].partition("T")[0],
        tasks=tuple(sorted({cell.task for cell in cells})),
        frameworks=tuple(sorted({cell.framework for cell in cells})),
        repeats=len({record.job.block for record in run.records}),
        not_ok=sum(record.status != "ok" for record in run.records),
        contended_share=clean.contended_windows / clean.windows if clean.told else None,
        proved=(certificates.count("ok"), len(certificates)) if certificates else None,
        command=run.info["command"],
        files=tuple(file for file in FILES if (run.folder / file).is_file()),
    )


def entries(folder: Path) -> list[Entry]:
    """The published runs of a folder, the newest first. Raises UsageError for one that is broken.

    A run without an `about` was not published, and is left out.
    """
    found = []
    for file in sorted(folder.glob("*/run.json")):
        if "about" in json.loads(file.read_text(encoding="utf-8")):
            run = read(file.parent)
            check(run)
            found.append(_entry(run))
    return sorted(found, key=lambda entry: entry.run.info["started"], reverse=True)
