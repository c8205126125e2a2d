"""Read the files of a tar or zip archive, or of the folder that it unpacks to.

Nothing is written to a member's path, so a hostile archive can do no harm. It is refused all the
same, because it is not the data set that it claims to be.
"""

from __future__ import annotations

import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.core.errors import DataError

# What reading a damaged archive raises, depending on its compression. Python may lack lzma.
_DAMAGES: tuple[type[Exception], ...] = (
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,  # a zip's compression, or its version
    RuntimeError,  # a zip that asks for a password
    EOFError,
    OSError,
    zlib.error,
)
try:
    from lzma import LZMAError
except ImportError:  # then tarfile raises an error of its own
    pass
else:
    _DAMAGES = (*_DAMAGES, LZMAError)

# Bytes. A member is read into memory, so one that claims more is refused before it is read.
LARGEST_MEMBER = 1 << 29

# An absolute path, of Unix or Windows, or one with a ".." part.
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")


def damaged(path: Path, *, why: object, expected: str) -> DataError:
    """The error for a file with the wrong content: which file, what is wrong, and what to do."""
    return DataError(
        f"{path} is damaged or not the expected file: {why}; expected {expected}. "
        "Delete or replace it; a missing file is downloaded again"
    )


def _check(path: Path, name: str, size: int, *, is_plain: bool) -> None:
    """Refuse a member by its declared name, size and type."""
    if _OUTSIDE.search(name):
        raise DataError(f"{path} is refused: its member {name!r} has a path outside of the archive")
    if not is_plain:
        raise DataError(
            f"{path} is refused: its member {name!r} is a link or a device, "
            "which no data set contains"
        )
    if size > LARGEST_MEMBER:
        raise DataError(
            f"{path} is refused: its member {name!r} claims {size:,} bytes, "
            f"where no data set has a file of more than {LARGEST_MEMBER:,}"
        )


def _tar_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, mode="r:*") as archive:
        for member in archive:
            _check(path, member.name, member.size, is_plain=member.isreg() or member.isdir())
            name = member.name.removeprefix("./")
            if member.isreg() and is_wanted(name):
                stream = archive.extractfile(member)
                assert stream is not None  # a regular file has content
                yield name, stream.read()


def _zip_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where the archive does not say
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            _check(path, member.filename, member.file_size, is_plain=plain)
            if not member.is_dir() and is_wanted(member.filename):
                with archive.open(member) as stream:  # ends after the declared size
                    yield member.filename, stream.read()


def _folder_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = f"{path.name}/{file.relative_to(path).as_posix()}"
        if is_wanted(name) and file.is_file():
            yield name, file.read_bytes()


def read_members(
    path: Path, is_wanted: Callable[[str], bool], *, expected: str
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file whose name is wanted, in the order of the archive.

    `path` is a zip archive, a tar archive of any compression, or the folder that it unpacks to;
    member names are the same for all. `expected` describes the right content in error messages.
    Raises DataError for a damaged archive, and for any member, wanted or not, that is a link or a
    device, has a path outside of the archive, or claims to be larger than `LARGEST_MEMBER`.
    """
    try:
        if path.is_dir():
            yield from _folder_members(path, is_wanted)
        else:
            read = _zip_members if zipfile.is_zipfile(path) else _tar_members
            yield from read(path, is_wanted)
    except _DAMAGES as error:
        raise damaged(path, why=str(error) or type(error).__name__, expected=expected) from error
