"""The turns of this process: it trains only while the runner lets it.

Processes that are compared run one after the other, for a tenth of a second at a time, so that
what slows the machine slows all of them. Before each turn a worker sends `{"event": "waiting",
"done": ...}` with the share of its job that is done, and its memory. A line of its input is then
the length of its turn in seconds. Meanwhile the runner stops it (see `bench.run.turns`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.worker import clock


class Turns:
    """Counts the seconds of a turn, and waits for the next.

    `number` is that of the present turn, from 0. `fresh` is whether nothing was trained in it yet:
    the first step after a pause is slower than others, as caches are cold.
    """

    def __init__(self, requests: Iterable[str], send: Callable[..., None]) -> None:
        self._requests = iter(requests)
        self._send = send
        self._left = 0.0
        self.number = -1
        self.fresh = False

    @property
    def over(self) -> bool:
        """Whether the present turn is used up; the first has to be waited for."""
        return self._left <= 0

    def wait(self, done: float, *, least: float, device_bytes: int | None) -> None:
        """Wait for the next turn, which lasts `least` seconds or more.

        `done` is the share of the job that is done. Raises EOFError if there will be no turn.
        """
        self._send(
            "waiting",
            done=done,
            resident_bytes=clock.peak_resident_bytes(),
            device_bytes=device_bytes,
        )
        line = next(self._requests, None)
        if line is None:
            raise EOFError("the runner has ended")
        self._left = max(least, float(line))
        self.number += 1
        self.fresh = True

    def use(self, seconds: float) -> None:
        """Count a window of so many seconds."""
        self._left -= seconds
        self.fresh = False
