"""Reads the files of a tar archive, or of the folder it unpacks to, without unpacking anything.

No member's path is ever written to, so a hostile archive has nothing to aim at; one that tries is
refused all the same, because it is not the data set that it claims to be.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.core.errors import DataError

# What reading a damaged archive raises, by its compression. Python can be built without lzma.
_DAMAGES: tuple[type[Exception], ...] = (tarfile.TarError, EOFError, OSError, zlib.error)
try:
    from lzma import LZMAError
except ImportError:  # then tarfile itself says so
    pass
else:
    _DAMAGES = (*_DAMAGES, LZMAError)

# An absolute path, of Unix or Windows, or one that climbs.
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")


def damaged(path: Path, *, why: object, expected: str) -> DataError:
    """The error for a file that is not what its name says: the file, the cause, what to do."""
    return DataError(
        f"{path} is damaged or not the file it should be: {why}; expected {expected}. "
        "Delete or replace it: a file that is missing is downloaded again"
    )


def _check(path: Path, member: tarfile.TarInfo) -> None:
    if _OUTSIDE.search(member.name):
        raise DataError(f"{path} is refused: its member {member.name!r} points out of the archive")
    if not (member.isreg() or member.isdir()):
        raise DataError(
            f"{path} is refused: its member {member.name!r} is a link or a device, "
            "and a data set holds neither"
        )


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, mode="r:*") as archive:
        for member in archive:
            _check(path, member)
            name = member.name.removeprefix("./")
            if member.isreg() and wanted(name):
                stream = archive.extractfile(member)
                assert stream is not None  # a regular file has content
                yield name, stream.read()


def _folder_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = f"{path.name}/{file.relative_to(path).as_posix()}"
        if wanted(name) and file.is_file():
            yield name, file.read_bytes()


def read_members(
    path: Path, wanted: Callable[[str], bool], *, expected: str
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file whose name is `wanted`, in the order of the archive.

    `path` is a tar archive, however compressed, or the folder that it unpacks to; names are the
    same for both. `expected` says in an error what the archive should be. Raises DataError for a
    damaged archive, and for any member, wanted or not, that is a link or a device, or whose path
    leads out.
    """
    try:
        yield from (_folder_members if path.is_dir() else _tar_members)(path, wanted)
    except _DAMAGES as error:
        raise damaged(path, why=str(error) or type(error).__name__, expected=expected) from error
