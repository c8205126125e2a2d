"""The signals that ask a command to end, and how it does: once in order, and then at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from bench.system import children

# What is said for each signal. A run says besides what it has finished, and how to go on.
_WORDS = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "ended by SIGTERM",
    signal.SIGHUP: "ended by SIGHUP, as its terminal was closed",
}
# `timeout` and some supervisors send a signal to the process and again to its group, and fingers
# may press Ctrl-C twice: what follows within so many seconds is the same request.
_SAME_REQUEST = 0.5
_SHOW_CURSOR = b"\x1b[?25h"  # which a live display has hidden


class Interruption:
    """Turns the first signal into KeyboardInterrupt; a later one ends the process at once.

    `number` is that of the first signal, 0 before there is one.
    """

    def __init__(self) -> None:
        self.number = 0
        self._at = 0.0

    def watch(self) -> None:
        """Take the signals from now on, except those that the caller ignores, as `nohup` does."""
        for number in _WORDS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)

    @property
    def exit_code(self) -> int:
        """The shell's code of a process that was ended by the signal: 130, 143 or 129."""
        return 128 + (self.number or signal.SIGINT)

    @property
    def words(self) -> str:
        """Why the command ends."""
        return _WORDS[signal.Signals(self.number or signal.SIGINT)]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not self.number:
            self.number, self._at = number, time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._at > _SAME_REQUEST:
            children.end_all()
            try:
                cursor = _SHOW_CURSOR if os.isatty(2) else b""
                os.write(2, cursor + b"framebench: ended at once, on the second signal\n")
            finally:
                os._exit(128 + number)
