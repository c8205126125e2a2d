"""Read the files of a tar or zip archive, or of the folder that it unpacks to.

Nothing is written to a member's path, so a hostile archive can do no harm. It is refused all the
same, because it is not the data set that it claims to be.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from bench.core.errors import DataError

# What reading a damaged archive raises, depending on its compression. Python may lack lzma.
DAMAGES: tuple[type[Exception], ...] = (
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,  # a zip's compression, or its version
    RuntimeError,  # a zip that asks for a password; headers that are nested too deep
    ImportError,  # a compression that this Python lacks
    ValueError,  # numbers in headers
    OverflowError,
    struct.error,
    EOFError,
    OSError,
    zlib.error,
)
try:
    from lzma import LZMAError
except ImportError:  # then tarfile raises an error of its own
    pass
else:
    DAMAGES = (*DAMAGES, LZMAError)

# Bytes that an archive may have when unpacked, if its data set knows no smaller number.
MOST_UNPACKED = 1 << 29
# Bytes that are read and unpacked at a time. Nothing asks for more at once but a hostile archive,
# such as a tar whose member has a name of gigabytes.
_PIECE = 1 << 20
_LARGEST_READ = 1 << 22
# Bytes that are asked for at a time, by a zip's compression. The module takes in as many packed
# ones, and at once unpacks all LZMA that it took, up to seven thousand times as much.
_ZIP_PIECES = {
    zipfile.ZIP_STORED: _PIECE,
    zipfile.ZIP_DEFLATED: _PIECE,
    zipfile.ZIP_LZMA: 1 << 12,
}
# No data set has more members; the names alone of millions would fill the memory.
_MOST_MEMBERS = 1 << 17
# How a compressed file begins, and what opens it.
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma", b"]\0\0": "lzma"}

IsWanted = Callable[[str], bool]

# An absolute path, of Unix or Windows, or one with a ".." part.
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")


def damaged(path: Path, *, why: object, expected: str) -> DataError:
    """The error for a file with the wrong content: which file, what is wrong, and what to do."""
    return DataError(
        f"{path} is damaged or not the expected file: {why}; expected {expected}. "
        "Delete or replace it; a missing file is downloaded again"
    )


class _Limits:
    """What an archive may have when unpacked: bytes in all, and bytes in one wanted member."""

    def __init__(self, path: Path, most: int, largest: int) -> None:
        self._path = path
        self._most = most
        self._largest = largest
        self._bytes = 0
        self._members = 0

    def check(self, name: str, size: int, *, is_plain: bool, is_wanted: bool) -> None:
        """Refuse a member by its declared name, size and type, and those before it."""
        if _OUTSIDE.search(name):
            raise self._refusal(f"its member {name!r} has a path outside of the archive")
        if not is_plain:
            raise self._refusal(
                f"its member {name!r} is sparse, or a link or a device, which no data set contains"
            )
        if is_wanted and size > self._largest:
            raise self._refusal(
                f"its member {name!r} claims {size:,} bytes, "
                f"where the data set has no file of more than {self._largest:,}"
            )
        self._bytes += size
        self._members += 1
        if self._bytes > self._most:
            raise self._refusal(
                f"with its member {name!r} of {size:,} bytes it claims {self._bytes:,}, "
                f"where the data set has no more than {self._most:,}"
            )
        if self._members > _MOST_MEMBERS:
            raise self._refusal(f"it has more than {_MOST_MEMBERS:,} members")

    def _refusal(self, why: str) -> DataError:
        return DataError(f"{self._path} is refused: {why}")


class _Bounded:
    """A stream that never reads more at once than a well-formed archive needs."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError(f"something other than a member's content has {size:,} bytes")
        return self._stream.read(size)


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """A file's content, decompressed while it is read if the file is compressed.

    Raises OSError, and what reading a damaged file raises; Python may lack lzma.
    """
    with path.open("rb") as raw:
        start = raw.read(8)
        raw.seek(0)
        for magic, name in _COMPRESSIONS.items():
            if start.startswith(magic):
                with importlib.import_module(name).open(raw, "rb") as stream:
                    yield stream
                return
        yield raw


def read_bounded(path: Path, *, most: int) -> bytes:
    """The content of a single file, compressed or not, of at most `most` bytes.

    Raises DataError if it has more, or is damaged.
    """
    expected = f"one whole file, of at most {most:,} bytes when unpacked"
    try:
        with unpacked(path) as stream:
            content = stream.read(most + 1)
    except DAMAGES as error:
        raise damaged(path, why=_told(error), expected=expected) from error
    if len(content) > most:
        raise damaged(path, why="it unpacks to more", expected=expected)
    return content


def not_official(contents: Mapping[str, bytes], official: Mapping[str, str]) -> list[str]:
    """A note on each content, by its file's name, whose md5 is not that of the `official` one."""
    hashes = {
        name: hashlib.md5(content, usedforsecurity=False).hexdigest()
        for name, content in contents.items()
    }
    return [
        f"{name} is not the official file (md5 of its content {md5})"
        for name, md5 in hashes.items()
        if md5 != official[name]
    ]


def md5_of(path: Path) -> str:
    """The md5 of a file as it is, packed or not."""
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            md5.update(piece)
    return md5.hexdigest()


def _in_pieces(stream: IO[bytes], size: int, *, at_a_time: int = _PIECE) -> bytes:
    """A member's content, of the size that it declares."""
    pieces, left = [], size
    while left > 0 and (piece := stream.read(min(left, at_a_time))):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise EOFError(f"a member ends {left:,} bytes early")
    return b"".join(pieces)


def _tar_members(path: Path, is_wanted: IsWanted, limits: _Limits) -> Iterator[tuple[str, bytes]]:
    with (
        unpacked(path) as stream,
        tarfile.open(fileobj=cast(Any, _Bounded(stream)), mode="r:") as archive,
    ):
        for member in archive:
            plain = (member.isreg() and not member.issparse()) or member.isdir()
            name = member.name.removeprefix("./")
            wanted = member.isreg() and is_wanted(name)
            limits.check(member.name, member.size, is_plain=plain, is_wanted=wanted)
            if wanted:
                content = archive.extractfile(member)
                assert content is not None  # a regular file has content
                yield name, _in_pieces(content, member.size)


def _zip_members(path: Path, is_wanted: IsWanted, limits: _Limits) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where the archive does not say
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            wanted = not member.is_dir() and is_wanted(member.filename)
            limits.check(member.filename, member.file_size, is_plain=plain, is_wanted=wanted)
            if wanted:
                if member.compress_type not in _ZIP_PIECES:
                    raise NotImplementedError("its compression is none of none, deflate, LZMA")
                piece = _ZIP_PIECES[member.compress_type]
                with archive.open(member) as stream:
                    yield member.filename, _in_pieces(stream, member.file_size, at_a_time=piece)


def _folder_members(
    path: Path, is_wanted: IsWanted, limits: _Limits
) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = f"{path.name}/{file.relative_to(path).as_posix()}"
        if is_wanted(name) and file.is_file():
            size = file.stat().st_size
            limits.check(name, size, is_plain=True, is_wanted=True)
            with file.open("rb") as stream:
                yield name, _in_pieces(stream, size)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def read_members(
    path: Path,
    is_wanted: IsWanted,
    *,
    expected: str,
    most: int = MOST_UNPACKED,
    largest: int = MOST_UNPACKED,
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file whose name is wanted, in the order of the archive.

    `path` is a zip archive, a tar archive of any compression, or the folder that it unpacks to;
    member names are the same for all. `expected` describes the right content in error messages,
    `most` is the number of bytes that all members may have together, `largest` of a wanted one.
    Raises DataError for a damaged archive, and for any member, wanted or not, that is sparse, a
    link or a device, has a path outside of the archive, or claims too much. No more memory is taken
    than what the members declare.
    """
    limits = _Limits(path, most, largest)
    try:
        if path.is_dir():
            yield from _folder_members(path, is_wanted, limits)
        else:
            read = _zip_members if zipfile.is_zipfile(path) else _tar_members
            yield from read(path, is_wanted, limits)
    except DAMAGES as error:
        raise damaged(path, why=_told(error), expected=expected) from error
