"""Where framebench keeps what it can rebuild at any time: data, environments, certificates."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "FRAMEBENCH_CACHE"


def cache_dir() -> Path:
    """The user's cache folder: FRAMEBENCH_CACHE if set, else the platform's usual place.

    The folder need not exist yet. Everything in it can be deleted at any time.
    """
    value = os.environ.get(CACHE_VARIABLE)
    if value:
        return Path(value).expanduser().absolute()
    return Path(platformdirs.user_cache_dir("framebench", appauthor=False))


def not_writable(error: OSError) -> str:
    """Why nothing can be kept in the cache folder, and what to do, in one sentence."""
    return (
        f"the cache folder {cache_dir()} cannot be written ({error.strerror or error}); "
        f"set {CACHE_VARIABLE} to a writable folder with enough room"
    )
