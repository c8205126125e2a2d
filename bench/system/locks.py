"""The one way to wait for another process that is making the same thing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bench.system import children

# Seconds after which a wait looks whether this process is being interrupted.
_PATIENCE = 0.5


@contextmanager
def held(file: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that only one process at a time can hold; `waits` is called if it must wait.

    The folder of the lock's file is made if need be. Raises OSError if it cannot be locked, and
    StoppedError if this process is interrupted while it waits.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except NotImplementedError:  # a file system without locks
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), str(file)) from None
    except Timeout:
        waits()
        while not lock.is_locked:
            children.raise_if_stopped()
            with suppress(Timeout):
                lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        lock.release()
