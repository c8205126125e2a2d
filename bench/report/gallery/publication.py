"""Publishing a run: checking it, copying it without its logs, and adding a line on its purpose.

The `about` in its `run.json` is what distinguishes a published run from others in the same folder.
"""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.core.errors import UsageError
from bench.core.presets import PRESETS
from bench.records import run_name
from bench.records.kept_pictures import pictures_of, write_pictures
from bench.records.run_folder import (
    INFO,
    PICTURES,
    RECORDS,
    Run,
    check_writable,
    read_info,
    write_info,
)
from bench.report.gallery.machine_paths import machine_paths

# The files that a published run's folder may hold, and what each one is.
FILES = {
    "summary.md": "the tables",
    "summary.csv": "every figure of every cell",
    "records.jsonl": "one record for each process: raw windows, loss and accuracy curves, "
    "versions, digests",
    "run.json": "machine, package versions of each environment, source digests, command line, and "
    "a snapshot of what was measured",
    "report.html": "the page: verdict, tables, charts, certificate, settings",
    "advice.html": "which framework suits whom, and why",
    "report.png": "the top of the page, as a picture",
    PICTURES: "what trained networks have drawn; records name the files",
}
PICTURE = "report.png"


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text within a JSON value, keys included, with the path of keys to it."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield where, key
            yield from _texts(item, f"{where}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, where)


def _check_paths(run: Run) -> None:
    records = (
        (f"{RECORDS}, line {found.line}", asdict(replace(found.record, measurement=None)))
        for found in (*run.lines.counting, *run.lines.replaced)
    )
    # A line that is left out is published too, as it is.
    content = (run.folder / RECORDS).read_text(encoding="utf-8", errors="replace").split("\n")
    others = ((f"{RECORDS}, line {n.line}", content[n.line - 1]) for n in run.lines.left_out)
    for file, fields in ((INFO, run.info), *records, *others):
        for where, text in _texts(fields, ""):
            if paths := machine_paths(text):
                raise UsageError(
                    f"{run.folder} cannot be published: {file} names a path of this machine in "
                    f"{where!r}: {paths[0]}; run it again with relative paths, or remove the path"
                )


def check(run: Run) -> None:
    """Raises UsageError for an unfinished run, and for one that names paths of this machine."""
    if not run.finished or not run.records:
        raise UsageError(f"{run.folder} is not finished: it has {len(run.records)} records so far")
    if run.lost:
        raise UsageError(f"{run.folder} cannot be published: {run.lost}")
    command = run.info.get("command", "")
    if command.split()[:2] != ["framebench", "run"]:
        raise UsageError(f"{run.folder} was not made by `framebench run`, but by {command!r}")
    _check_paths(run)


def _about(run: Run, target: Path, given: str | None) -> str:
    """The run's purpose in one line.

    That is `given`, or else the purpose of the run, of the run that it replaces, or of its preset.
    """
    preset = str(run.info.get("request", {}).get("preset", ""))
    usual = f"{preset}: {PRESETS[preset].about}" if preset in PRESETS else preset
    words = given or run.info.get("about") or usual
    if not given and "about" not in run.info and target.exists():
        with suppress(UsageError):  # what is replaced may be damaged
            words = read_info(target).get("about", words)
    if paths := machine_paths(words):
        raise UsageError(f"--about names a path of this machine: {paths[0]}")
    return " ".join(words.split())


def check_target(run: Run, target: Path, *, overwrite: bool) -> bool:
    """Whether `target` is the run's own folder. Raises UsageError for an unusable target."""
    run_name.checked(target.name)
    if not target.exists():
        check_writable(target)
        return False
    if target.samefile(run.folder):
        return True
    if not (target / INFO).exists():
        raise UsageError(f"{target} exists and holds no run; choose another --name")
    if not overwrite:
        raise UsageError(f"{target} holds a run already; choose another --name, or give --replace")
    return False


def _has_picture(folder: Path, run: Run) -> bool:
    """Whether a folder has a picture of this run, that is, of the same records."""
    own = run.folder / RECORDS
    return (folder / PICTURE).is_file() and filecmp.cmp(folder / RECORDS, own, shallow=False)


def _take_place(staged: Path, target: Path) -> None:
    """Rename a folder, which may replace another; that one is whole until its name is free."""
    replaced = staged.with_name(f"{staged.name}.replaced")
    if target.exists():
        target.rename(replaced)
    try:
        staged.rename(target)
    except OSError:
        if replaced.exists():
            replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def publish(
    run: Run, target: Path, *, about: str | None, overwrite: bool, forms: Callable[[Path], object]
) -> None:
    """Publish a run in the folder `target`, whose name it takes; `forms` writes its tables there.

    A run that is already there is published in place. Otherwise the target is written completely or
    not at all, and replaces the run that was there. Pictures are not made here, so a picture of the
    same records is kept. A run that is older than snapshots gets one of the present source. Raises
    UsageError as `check` and `check_target` do.
    """
    check(run)
    in_place = check_target(run, target, overwrite=overwrite)
    info = {
        "snapshot": run.snapshot.to_fields(),
        **run.info,
        "name": target.name,
        "about": _about(run, target, about),
    }
    if in_place:
        write_info(target, info)
        forms(target)
        return
    # Beside the target, and for this process alone, so that it can take the target's place; and by
    # its name, which the forms tell.
    target.parent.mkdir(parents=True, exist_ok=True)
    private = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    staged = private / target.name
    try:
        staged.mkdir()
        shutil.copyfile(run.folder / RECORDS, staged / RECORDS)
        folders = (run.folder, target)
        if with_picture := [folder for folder in folders if _has_picture(folder, run)]:
            shutil.copyfile(with_picture[0] / PICTURE, staged / PICTURE)
        write_pictures(staged, pictures_of(run))
        write_info(staged, info)
        forms(staged)
        _take_place(staged, target)
    finally:
        shutil.rmtree(private, ignore_errors=True)
