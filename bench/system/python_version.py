"""The version of this Python as its packages are told it."""

from __future__ import annotations

import sys


def python_version() -> str:
    """Three numbers, such as 3.11.2.

    Some builds call themselves 3.11.2+ or 3.12.0rc1, which are no versions, or none that a range of
    versions includes.
    """
    return ".".join(map(str, sys.version_info[:3]))
