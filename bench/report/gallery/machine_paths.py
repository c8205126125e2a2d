"""Paths in texts that belong to one machine, and so must not be published."""

from __future__ import annotations

import re
from pathlib import Path

# An absolute path, on Windows too. After a letter, a dot or a slash, a slash is part of something
# else: a ratio, an address, a relative path.
_PATH = re.compile(r"(?<![\w./)\]-])(?:~?/[\w.@+~-][^\s\"':;,)]*|[A-Za-z]:\\[^\s\"']*)")
# Folders that are the same on every machine, and so say nothing about its owner.
_COMMON = re.compile(r"/(?:usr|proc|sys|dev|etc|bin|sbin|lib|lib64)(?:/|$)")


def machine_paths(text: str) -> list[str]:
    """The absolute paths in a text, except those within the system's own folders."""
    if "/" not in text and "\\" not in text:  # true of nearly all of a run's thousands of texts
        return []
    paths = [match.group() for match in _PATH.finditer(text) if not _COMMON.match(match.group())]
    home = Path.home().as_posix()
    return paths or [home] * (home != "/" and f"{home}/" in text)
