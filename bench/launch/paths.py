"""Where framebench keeps what it can rebuild at any time: data, environments, certificates."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from bench.core.errors import UsageError

CACHE_VARIABLE = "FRAMEBENCH_CACHE"


def cache_dir() -> Path:
    """The user's cache folder: FRAMEBENCH_CACHE if set, else the platform's usual place.

    The folder need not exist yet. Everything in it can be deleted at any time. Raises UsageError if
    the variable names no folder.
    """
    named = folder_of(CACHE_VARIABLE)
    return named or Path(platformdirs.user_cache_dir("framebench", appauthor=False))


def folder_of(variable: str) -> Path | None:
    """The folder that a variable of the environment names, absolute; None if it is not set.

    Raises UsageError for the home folder of a user who is unknown.
    """
    value = os.environ.get(variable)
    try:
        return Path(value).expanduser().absolute() if value else None
    except RuntimeError:
        raise UsageError(
            f"{variable} is {value}, but there is no home folder {Path(value or '').parts[0]}"
        ) from None


def not_writable(error: OSError) -> str:
    """Why nothing can be kept in the cache folder, and what to do, in one sentence."""
    return (
        f"the cache folder {cache_dir()} cannot be written ({error.strerror or error}); "
        f"set {CACHE_VARIABLE} to a writable folder with enough room"
    )
