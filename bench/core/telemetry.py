"""Asking the machine about itself. No answer is ever needed, so no question may end anything.

A file may be missing, hidden or odd, a driver old or broken, and a library may raise whatever it
likes: then the machine has not told, which is None here and `NOT_TOLD` where people read it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

NOT_TOLD = "not told"
NAMELESS_GPU = "a GPU whose name is not told"

Value = TypeVar("Value")


def told(ask: Callable[[], Value], *, seconds: float | None = None) -> Value | None:
    """What `ask` returns; None if it raises, or if it takes longer than `seconds`, if given.

    A question that takes longer is abandoned in a thread of its own.
    """
    if seconds is not None:
        return _in_time(ask, seconds)
    try:
        return ask()
    except Exception:  # of any kind: see above
        return None


def _in_time(ask: Callable[[], Value], seconds: float) -> Value | None:
    answers: queue.SimpleQueue[Value | None] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(told(ask)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return None


def text_of(file: Path) -> str | None:
    """A small file's text without the white space around it; None if it cannot be read."""
    return told(lambda: file.read_text(encoding="utf-8", errors="replace").strip())


def number_of(file: Path) -> int | None:
    """The whole number that a file holds; None if it holds none, or cannot be read."""
    return told(lambda: int(file.read_text(encoding="ascii")))
