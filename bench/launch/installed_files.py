"""What is installed in an environment, by the lists that installers leave beside each package.

A package's RECORD lists its files with their digests and sizes. A digest of the list stands for the
package as it was built, which can be done in several ways for the same version.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from packaging.utils import canonicalize_name

RECORD = "RECORD"
# What an installer adds to a package's own files, differently for each way of asking for it.
_ADDED = ("/INSTALLER", "/REQUESTED", "/RECORD", "/direct_url.json", ".pyc")


def _lists(folder: Path) -> dict[str, Path]:
    """The RECORD of every package in an environment's folder, existing or not, by its name."""
    return {
        str(canonicalize_name(about.name.partition("-")[0])): about / RECORD
        for about in sorted(folder.glob("lib/python*/site-packages/*.dist-info"))
    }


def list_digest(record: bytes) -> str:
    """sha256 over the lines of a RECORD, the same wherever and however the package is installed.

    Scripts are left out, as their first lines name the environment's folder.
    """
    lines = record.decode(errors="surrogateescape").splitlines()
    own = [line for line in lines if not line.startswith("..") and not _is_added(line)]
    return hashlib.sha256("\n".join(sorted(own)).encode(errors="surrogateescape")).hexdigest()


def _is_added(line: str) -> bool:
    return line.rsplit(",", 2)[0].endswith(_ADDED)


def digests(folder: Path) -> dict[str, str]:
    """The digest of the list of every package in an environment's folder that has one."""
    found: dict[str, str] = {}
    for name, file in _lists(folder).items():
        with suppress(OSError):  # some installers leave no list
            found[name] = list_digest(file.read_bytes())
    return found


def fault(
    folder: Path, packages: Mapping[str, str], kept: Mapping[str, str], found: Mapping[str, str]
) -> str:
    """What is wrong with an environment's folder, "" if nothing is.

    `packages` are the versions that must be there, `kept` the digests that their lists had when the
    environment was made, and `found` those that the lists there have now. That every listed file
    exists and has its size is checked, which takes some 10 microseconds a file; what is in it is
    not: reading gigabytes would take longer than making a short run.
    """
    lists = _lists(folder)
    missing = [name for name in (*packages, *kept) if name not in lists]
    if missing:
        return f"the package {missing[0]} is missing"
    faults = (
        _package_fault(name, lists[name], is_changed=found.get(name) != digest)
        for name, digest in kept.items()
    )
    return next((told for told in faults if told), "")


def _package_fault(name: str, record: Path, *, is_changed: bool) -> str:
    try:
        content = record.read_bytes()
        if not content or is_changed:
            return f"{name} is not as it was installed: the list of its files differs"
        return next(_wrong_files(record, content), "")
    except OSError as error:
        return f"the list of {name}'s files cannot be read: {error.strerror}"
    except csv.Error as error:
        return f"the list of {name}'s files is damaged: {error}"


def _wrong_files(record: Path, content: bytes) -> Iterator[str]:
    """The files of a list that are missing or have another size, in words."""
    root = record.parents[1]
    for row in csv.reader(content.decode(errors="surrogateescape").splitlines()):
        if not row or row[0].endswith(".pyc"):  # made by Python, which makes it again
            continue
        name, size = row[0], row[-1]
        try:
            actual = os.stat(f"{root}/{name}").st_size  # noqa: PTH116, many times as fast
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            yield f"{name} is missing" if missing else f"{name}: {error.strerror}"
            continue
        if size.isdecimal() and actual != int(size):
            yield f"{name} has {actual:,} bytes and not {int(size):,}"
