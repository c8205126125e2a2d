"""Names that a user may choose from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from bench.core.errors import UsageError

Choice = TypeVar("Choice", bound=str)


def check_choice(kind: str, value: str, choices: Iterable[Choice]) -> Choice:
    """The choice for `kind` that equals `value`. Raises UsageError, which lists all, for none."""
    known = list(choices)
    for choice in known:
        if choice == value:
            return choice
    raise UsageError(f"no {kind} is called {value!r}; there are: {', '.join(known)}")
