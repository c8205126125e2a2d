"""Text from elsewhere, made harmless: what a worker, an installer or a file says is only shown."""

from __future__ import annotations

import unicodedata
from typing import Any

# Control and formatting characters, half pairs, and line ends. A terminal acts on the first, and
# the second, such as those that reverse the direction, make one text look like another.
_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Parts of words and of emoji in several scripts.
_JOINERS = {"\u200c", "\u200d"}


def plain(text: str, *, keep: str = "") -> str:
    r"""The text with every character that acts written as an escape, such as \x1b.

    Those in `keep`, such as line ends, are left as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, keep) for character in text)


def _shown(character: str, keep: str) -> str:
    if character in keep or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _ACTING:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else "\ufffd"


def plain_values(value: Any, *, keep: str = "\n\t") -> Any:
    """A JSON value with every text in it made `plain`, keys of objects included."""
    if isinstance(value, str):
        return plain(value, keep=keep)
    if isinstance(value, (list, tuple)):
        return [plain_values(item, keep=keep) for item in value]
    if isinstance(value, dict):
        return {plain(key, keep=keep): plain_values(item, keep=keep) for key, item in value.items()}
    return value


def one_line(text: str, *, limit: int = 300) -> str:
    """The text in one line of at most `limit` characters, and made `plain`."""
    words = " ".join(text.split())
    return plain(words if len(words) <= limit else words[: limit - 1] + "…")
