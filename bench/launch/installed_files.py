"""What is installed in an environment, by the lists that installers leave beside each package.

A package's RECORD lists its files with their sizes. Its digest stands for the package exactly as it
was installed: the same version can be built in several ways.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

RECORD = "RECORD"


def _lists(folder: Path) -> dict[str, Path]:
    """The RECORD of every package in an environment's folder, existing or not, by its name."""
    return {
        str(canonicalize_name(about.name.partition("-")[0])): about / RECORD
        for about in sorted(folder.glob("lib/python*/site-packages/*.dist-info"))
    }


def digests(folder: Path) -> dict[str, str]:
    """sha256 of the RECORD of every package in an environment's folder that has one."""
    found: dict[str, str] = {}
    for name, file in _lists(folder).items():
        try:
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError:  # some installers leave no list
            continue
    return found


def fault(folder: Path, packages: Mapping[str, str], records: Mapping[str, str]) -> str:
    """What is wrong with an environment's folder, "" if nothing is.

    `packages` are the versions that must be there, `records` the digests of their lists. That every
    listed file exists and has its size is checked, which takes some 15 microseconds a file; what is
    in it is not: reading gigabytes would take longer than making a short run.
    """
    lists = _lists(folder)
    for name in packages:
        if name not in lists:
            return f"the package {name} is missing"
    for name, digest in records.items():
        if name not in lists:
            return f"the package {name} is missing"
        try:
            content = lists[name].read_bytes()
        except OSError as error:
            return f"the list of {name}'s files cannot be read: {error.strerror}"
        if hashlib.sha256(content).hexdigest() != digest:
            return f"{name} is not as it was installed: the list of its files differs"
        if wrong := next(_wrong_files(lists[name], content), ""):
            return wrong
    return ""


def _wrong_files(record: Path, content: bytes) -> Iterator[str]:
    """The files of a list that are missing or have another size, in words."""
    root = record.parents[1]
    for name, _, size in csv.reader(content.decode(errors="surrogateescape").splitlines()):
        if name.endswith(".pyc"):  # made by Python, which makes it again
            continue
        try:
            actual = os.stat(f"{root}/{name}").st_size  # noqa: PTH116, many times as fast
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            yield f"{name} is missing" if missing else f"{name}: {error.strerror}"
            continue
        if size and actual != int(size):
            yield f"{name} has {actual:,} bytes and not {int(size):,}"
