"""Names that a user may choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from bench.core.errors import UsageError

Choice = TypeVar("Choice", bound=str)
# Names that may have been meant, at most.
MOST_MEANT = 3


def check_choice(kind: str, value: str, choices: Iterable[Choice]) -> Choice:
    """The choice for `kind` that equals `value`. Raises UsageError, which lists all, for none."""
    known = list(choices)
    for choice in known:
        if choice == value:
            return choice
    meant = f" (did you mean {near}?)" if (near := " or ".join(_near(value, known))) else ""
    raise UsageError(f"no {kind} is called {value!r}{meant}; there are: {', '.join(known)}")


def _near(value: str, known: Sequence[str]) -> Sequence[str]:
    """The names that differ little from `value`, or else those that have it in them."""
    typed = value.lower()
    close = get_close_matches(typed, known, MOST_MEANT, cutoff=0.8)
    return close or [name for name in known if typed and typed in name][:MOST_MEANT]
