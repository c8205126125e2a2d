"""Progress of long work: one protocol for environments, data, proofs and training.

The work calls a listener and names its subject ("mnist", "pytorch compiled cpu 1 thread", a cell).
Work on several subjects may call from several threads at once. What a listener does with a call,
such as writing a line in a terminal or a message on a worker's pipe, does not concern the work.
"""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Receives the progress of long work."""

    def phase(self, subject: str, name: str) -> None:
        """`subject` has entered the phase `name`: "downloading train.gz", "warm-up"."""

    def progress(self, subject: str, done: int, total: int) -> None:
        """Within its phase, `subject` has done `done` of `total` steps."""

    def finished(self, subject: str, outcome: str) -> None:
        """`subject` is done: "ready", "unavailable: needs Python 3.11". The last call about it."""


class Silent(Listener):
    """Ignores all progress."""

    def phase(self, subject: str, name: str) -> None:
        pass

    def progress(self, subject: str, done: int, total: int) -> None:
        pass

    def finished(self, subject: str, outcome: str) -> None:
        pass


class Relay(Listener):
    """Passes every call on to another listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def phase(self, subject: str, name: str) -> None:
        self._listener.phase(subject, name)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._listener.progress(subject, done, total)

    def finished(self, subject: str, outcome: str) -> None:
        self._listener.finished(subject, outcome)


SILENT = Silent()
