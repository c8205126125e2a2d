"""A running worker's messages, read one by one, within limits of length and time.

A worker is other people's code. It may die, hang, write what is no message, or leave a child that
holds its pipe open. Whatever it does, reading ends, with a result or in a `JobEndedError`.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic

from bench.core.record import Status
from bench.launch.worker_messages import Message, Outcome, Result, decode
from bench.system.plain_text import one_line

# Bytes. A window takes about 80, and a run has some hundred thousand of them at most.
LONGEST_LINE = 1 << 28
# Bytes at the end of a log in which its last line is looked for.
LOG_TAIL = 1 << 13
# Seconds; a selector takes no more than some weeks.
LONGEST_SLEEP = 3600.0
# Seconds that a worker has for ending once it has closed its pipe.
GRACE = 5.0


class JobEndedError(Exception):
    """A job ended before its result: `status` is that of its record, the text says why."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Conversation(Generic[Outcome]):
    """The messages of a running worker, in order, its result last.

    A worker may take `silence` seconds between two messages, and `limit` seconds in all. Each
    message is read when it is asked for, and the time between two questions counts for neither: a
    worker may be stopped meanwhile. Raises JobEndedError if the worker ends without a result, or
    says what is no message.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pipe: int,
        result: type[Outcome],
        *,
        log: Path,
        silence: float,
        limit: float,
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._result = result
        self._log = log
        self._silence = silence
        self._limit = limit

    def __iter__(self) -> Iterator[Message]:
        for line in self._lines():
            try:
                message = decode(line, self._result)
            except (ValueError, RecursionError) as error:
                said = line[:60].decode(errors="backslashreplace")
                why = one_line(f"the worker sent what is no message: {error}: {said}")
                raise JobEndedError("failed", why) from None
            yield message
            if isinstance(message, Result):
                return
        raise JobEndedError("crashed", self._why())

    def _lines(self) -> Iterator[bytes]:
        """Whole lines, until the pipe closes or the worker has ended."""
        line = bytearray()
        started = heard = time.monotonic()
        with _watched(self._process, self._pipe) as selector:
            while chunk := self._read(selector, heard=heard, started=started):
                first, *others = chunk.split(b"\n")
                line += first
                if len(line) > LONGEST_LINE:
                    reason = f"the worker sent a line of more than {LONGEST_LINE >> 20} MiB"
                    raise JobEndedError("failed", reason)
                for other in others:
                    said = time.monotonic()
                    yield bytes(line)
                    heard = time.monotonic()
                    started += heard - said
                    line[:] = other

    def _read(self, selector: selectors.BaseSelector, *, heard: float, started: float) -> bytes:
        """What the pipe has next; nothing at its end, or once the worker has ended."""
        while True:
            now = time.monotonic()
            left = min(heard + self._silence, started + self._limit) - now
            if left <= 0:
                raise JobEndedError("timeout", self._overdue(now - started))
            ready = {key.fd for key, _ in selector.select(min(left, LONGEST_SLEEP))}
            if self._pipe in ready:
                return os.read(self._pipe, 1 << 20)
            if ready:  # the worker has ended, and a child of its holds the pipe open
                return b""

    def _overdue(self, seconds: float) -> str:
        if seconds >= self._limit:
            return f"not done after {self._limit:g} s (--time-limit), killed"
        return f"no sign of life for {self._silence:g} s, killed"

    def _why(self) -> str:
        """Why the worker ended without a result: signal or exit code, and its last printed line."""
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            how = "closed its pipe without a result and went on, killed"
        else:
            how = f"killed by {_signal_name(-code)}" if code < 0 else f"exit code {code}"
        last = last_line(self._log)
        return f"{how}: {last}" if last else how


@contextmanager
def _watched(process: subprocess.Popen[bytes], pipe: int) -> Iterator[selectors.BaseSelector]:
    """A selector that wakes for the pipe, and at the end of the process where Linux tells it."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        try:
            ended = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # no Linux, or one before 5.3: the pipe alone tells
            yield selector
            return
        try:
            selector.register(ended, selectors.EVENT_READ)
            yield selector
        finally:
            os.close(ended)


def _signal_name(number: int) -> str:
    """A signal's name, or its number: real-time signals have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(log: Path) -> str:
    """The last line that a worker printed, shortened; a log may be too large to be read."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
        printed = file.read(LOG_TAIL).decode(errors="replace").strip().splitlines()
        return one_line(printed[-1]) if printed else ""
    return ""
