"""The one rule for the names of runs, wherever a name is given or made."""

from __future__ import annotations

import re

from bench.core.errors import UsageError

# A folder's name may have 255 bytes on most file systems; "-2" and ".partial" are added to it.
LONGEST = 200
_NAME = re.compile(r"\w[\w.-]*")


def checked(name: str) -> str:
    """The name itself. Raises UsageError if it cannot be that of a run's folder."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name[:LONGEST]!r}: use only letters, digits, '.', '_' and '-', and do not "
            "begin with '.' or '-'"
        )
    if (size := len(name.encode())) > LONGEST:
        raise UsageError(f"--name has {size} bytes; it may have {LONGEST}")
    return name
