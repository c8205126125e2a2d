"""A folder that is named by its path, or by its name among others."""

from __future__ import annotations

from pathlib import Path


def folder_with(file: str, named: Path, among: Path) -> Path:
    """The folder `named`, or the one of that name in the folder `among`.

    It is the first that has `file`; if none has it, the first that exists, or else `named`.
    """
    folders = (named, among / named)
    has_file = (folder for folder in folders if (folder / file).exists())
    there = (folder for folder in folders if folder.exists())
    return next(has_file, None) or next(there, named)
