"""The one way to write files: completely or not at all, whatever happens meanwhile.

A file is written beside its place, brought to the disk, and renamed. A folder is claimed by making
it, which only one of several processes can.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

# A last line longer than this is not looked for as a whole when the next one is appended.
_CHUNK = 1 << 20


def scratch_folder(owner: object) -> tuple[Path, Callable[[], object]]:
    """A new folder for temporary files that goes with its owner, and what removes it before."""
    folder = Path(tempfile.mkdtemp(prefix="framebench-"))
    return folder, weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)


def write(file: Path, content: str | bytes) -> None:
    """Write a file completely or not at all, in UTF-8; an existing one is replaced.

    What is no regular file, such as a pipe or a terminal, is written to in place. Raises OSError.
    """
    data = content.encode(errors="replace") if isinstance(content, str) else content
    if file.exists() and not file.is_file():
        file.write_bytes(data)
        return
    place = Path(os.path.realpath(file))  # the file that a link leads to, not the link
    partial = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(place)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(file), None
        raise
    sync_folder(place.parent)


def read(file: Path) -> bytes:
    """The content of a regular file. Raises OSError, also for what would keep a reader waiting."""
    with open_regular(file) as stream:
        return stream.read()


# Bytes that are read at once: a record has some 10 kB, and a run may have many thousands of them.
_BUFFER = 1 << 20


def open_regular(file: Path) -> BinaryIO:
    """A regular file, open to be read. Raises OSError, also for a pipe, a device or a folder."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb", buffering=_BUFFER)
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    raise OSError(errno.EINVAL, "it is no regular file", str(file))


def append_line(file: Path, line: str) -> None:
    """Add a line of text without a line end; returns once it is on the disk.

    If the file's last line is unfinished, as a crash or a full disk leaves it, it is cut off first.
    If the new line cannot be written, the file is left as it was. Raises OSError.
    """
    new = not file.exists()
    # Unbuffered: what a full disk refused would be written, in part, when the file is closed.
    with file.open("ab+", buffering=0) as stream:
        end = _end_of_lines(stream.fileno())
        stream.truncate(end)
        rest = line.encode(errors="replace") + b"\n"
        try:
            while rest:
                rest = rest[stream.write(rest) :]
            os.fsync(stream.fileno())
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(stream.fileno(), end)
            error.filename = str(file)
            raise
    if new:
        sync_folder(file.parent)


def _end_of_lines(descriptor: int) -> int:
    """The number of bytes up to the end of the last whole line."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _CHUNK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def claim(folder: Path) -> None:
    """Make a folder, and those above it, for this process alone.

    Raises FileExistsError if it exists, even if another process has made it just now, and any other
    OSError if it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()


def remove(path: Path) -> None:
    """Delete a file, a link, or a folder with all that is in it, if it exists. Raises OSError.

    A folder's own permissions do not keep it: one without any is what a torn copy can leave.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    with suppress(PermissionError):
        path.chmod(0o700)
        for folder, inner, _ in os.walk(path):
            for name in inner:
                if not Path(folder, name).is_symlink():
                    Path(folder, name).chmod(0o700)
    shutil.rmtree(path)


def sync_files(folder: Path) -> None:
    """Bring all files of a folder, and their names, to the disk. Raises OSError."""
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, where the file system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
