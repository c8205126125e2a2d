"""Lists in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def few(words: Sequence[str], most: int) -> str:
    """The first `most` words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{more}"
