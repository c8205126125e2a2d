"""Whose a run's folder is: claimed when it is made, and locked as long as a process writes to it.

The lock is the system's own, on a file in the folder: a process that is killed no longer holds it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from bench.core.errors import UsageError
from bench.system import files

LOCK = ".lock"


@contextmanager
def claimed(folder: Path, *, numbered: bool) -> Iterator[Path]:
    """A new run's folder for this process alone, removed afterwards if it is still empty.

    If there is one of that name already, `numbered` takes NAME-2, NAME-3 and so on. Raises
    UsageError if the name is taken, or the folder cannot be made.
    """
    for claim in _candidates(folder, numbered=numbered):
        lock = FileLock(claim / LOCK)
        if _taken(claim, lock):
            continue
        try:
            yield claim
        finally:
            if not any(item.name != LOCK for item in claim.iterdir()):
                # While it is locked, so that no other process begins to use what is removed.
                (claim / LOCK).unlink(missing_ok=True)
                with suppress(OSError):
                    claim.rmdir()
            lock.release()
        return
    what = "holds a run" if (folder / "run.json").exists() else "exists"
    raise UsageError(f"{folder} {what} already; choose another --name")


def _candidates(folder: Path, *, numbered: bool) -> Iterator[Path]:
    yield folder
    for number in count(2) if numbered else ():
        yield folder.with_name(f"{folder.name}-{number}")


def _taken(folder: Path, lock: FileLock) -> bool:
    """Whether a folder is not this process's, after trying to make and to lock it.

    One that holds nothing is free, whether its user made it or a run was killed before it began.
    """
    try:
        with suppress(FileExistsError):
            files.claim(folder)
        if not folder.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "its parent is not a folder")
        if not folder.is_dir() or any(item.name != LOCK for item in folder.iterdir()):
            return True
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError as error:
        raise UsageError(f"cannot write results to {folder}: {error.strerror}") from None
    if not (folder / LOCK).exists() or any(item.name != LOCK for item in folder.iterdir()):
        lock.release()  # another process has used it meanwhile
        return True
    return False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process writes to a run in the meantime. Raises UsageError if one does now."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"{folder} is in progress in another process") from None
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
