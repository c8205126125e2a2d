"""How long each phase of a worker lasts, by the runner's own clock."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bench.core.listener import Listener, Relay


class PhaseClock(Relay):
    """Counts the seconds of a worker's phases, and passes every call on.

    A phase lasts until the next one begins, or until `stop`; phases of the same name are added up.
    `total` are the seconds since the clock was made. While it is paused, nothing is counted.
    """

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._phase = ""
        self._since: float | None = None
        self._made = time.monotonic()  # the time of day may be set back meanwhile

    @property
    def total(self) -> float:
        """All seconds so far."""
        return time.monotonic() - self._made

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds by phase so far, in the order in which the phases first began."""
        return {name: round(seconds, 6) for name, seconds in self._seconds.items()}

    def phase(self, subject: str, name: str) -> None:
        self.stop()
        self._phase = name
        self._seconds[name] += 0.0
        self._start()
        super().phase(subject, name)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The worker is stopped within this block."""
        self.stop()
        since = time.monotonic()
        try:
            yield
        finally:
            self._made += time.monotonic() - since
            self._start()

    def stop(self) -> None:
        """End the phase: what follows counts only once another begins."""
        if self._since is not None:
            self._seconds[self._phase] += time.monotonic() - self._since
            self._since = None

    def _start(self) -> None:
        if self._phase:
            self._since = time.monotonic()
