"""The one way to start a child process: its variables are listed, and it never outlives this one.

A child leads a session of its own, so that it ends with all that it has started. The system kills
it if this process ends, however that happens; `end_all` kills every child at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TIE = Path(__file__).with_name("tie.py")

# The variables of the caller's that every child inherits. All others are left out, so that the same
# happens from any shell.
INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")

_live: set[int] = set()
_ending = threading.Event()


class StoppedError(Exception):
    """A child was ended, or not started, because this process is being interrupted."""


def inherited(*further: str) -> dict[str, str]:
    """The caller's variables that a child inherits, with `further` ones by name."""
    return {name: os.environ[name] for name in (*INHERITED, *further) if name in os.environ}


def live() -> frozenset[int]:
    """The numbers of all running children, each of which leads a session."""
    return frozenset(_live)


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    data_limit: int = 0,
    group: Path | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A running child, which is gone afterwards, with all that it has started.

    `data_limit` are the bytes that it may allocate, 0 for any number; `group` is the control group
    that it joins. `options` are those of Popen. Raises StoppedError during `end_all`, and OSError.
    """
    if _ending.is_set():
        raise StoppedError
    tie = [sys.executable, "-I", "-S", str(_TIE), str(os.getpid()), str(data_limit)]
    with subprocess.Popen(
        [*tie, str(group or ""), *map(str, command)],
        env=dict(env),
        start_new_session=True,
        **options,
    ) as process:
        _live.add(process.pid)
        try:
            raise_if_stopped()  # `end_all` may have come between the start and the line above
            yield process
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _live.discard(process.pid)


def raise_if_stopped() -> None:
    """Raises StoppedError while children are being ended: what became of one is then no news."""
    if _ending.is_set():
        raise StoppedError


def end_all() -> None:
    """Kill every child, whichever thread started it."""
    for leader in tuple(_live):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


@contextmanager
def pool(size: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that start children. An exception in the block ends these, and waits for no others.

    Otherwise an interrupted command would wait for children whose work is no longer needed.
    """
    with ThreadPoolExecutor(size) as executor:
        try:
            yield executor
        except BaseException:
            _ending.set()
            try:
                executor.shutdown(wait=False, cancel_futures=True)
                end_all()
                executor.shutdown(wait=True)
            finally:
                _ending.clear()
            raise
