"""Who is told how far long work is: one protocol for environments, data, proofs and training.

The work calls a listener with its subject ("mnist", "pytorch compiled cpu float64", a cell), from
several threads at once where several subjects are worked on. What a listener does with it, a line
in a terminal or a message on a worker's pipe, is no concern of the work.
"""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Is told how far long work is."""

    def phase(self, subject: str, name: str) -> None:
        """`subject` has entered the phase `name`: "downloading train.gz", "warm-up"."""

    def progress(self, subject: str, done: int, total: int) -> None:
        """Within its phase, `subject` has done so many of its steps."""

    def finished(self, subject: str, outcome: str) -> None:
        """`subject` is done: "ready", "unavailable: needs Python 3.11". The last call about it."""


class Silent(Listener):
    """For callers that want to hear nothing."""

    def phase(self, subject: str, name: str) -> None:
        pass

    def progress(self, subject: str, done: int, total: int) -> None:
        pass

    def finished(self, subject: str, outcome: str) -> None:
        pass


SILENT = Silent()
