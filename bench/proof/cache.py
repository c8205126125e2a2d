"""The cache of proofs: certificates, the reference's traces, and the logs of proofs that failed.

Files are in the user's cache, under names that hash what they depend on, and are deleted when they
have not been used for long.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from bench.launch.paths import cache_dir
from bench.proof.certificate import Certificate

CERTIFICATES = "certificates"
TRACES = "reference"
LOGS = "logs"
RETENTION_DAYS = 60


def digest(*parts: object) -> str:
    """A hash of what a cached file depends on, for its name; `parts` are JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def certificate_file(name: str) -> Path:
    """The file, existing or not, of a certificate."""
    return cache_dir() / CERTIFICATES / f"{name}.json"


def trace_file(name: str) -> Path:
    """The file, existing or not, of a trace by the reference."""
    return cache_dir() / TRACES / f"{name}.npz"


def write(file: Path, content: bytes) -> None:
    """Write a file completely or not at all, even if other processes write it too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(file)


def in_use(file: Path) -> bool:
    """Whether a file exists; if so, it counts as used today."""
    with suppress(OSError):  # a read-only cache is still useful
        os.utime(file)
    return file.exists()


def read_certificate(file: Path) -> Certificate | None:
    """The certificate in a file; None if it is missing or of another version."""
    try:
        text = file.read_text(encoding="utf-8")
        in_use(file)
        return Certificate.from_fields(json.loads(text))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def keep_log(log: Path, label: str) -> Path:
    """Copy a worker's log to the cache, and return where it is."""
    copy = cache_dir() / LOGS / f"{label.replace(' ', '-')}.log"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(log, copy)
    return copy


def prune() -> None:
    """Delete files that have not been used for long: most belong to other sources or versions."""
    oldest = time.time() - RETENTION_DAYS * 24 * 3600
    for kind in (CERTIFICATES, TRACES, LOGS):
        for file in (cache_dir() / kind).glob("*"):
            with suppress(FileNotFoundError):  # another process may be pruning
                if file.stat().st_mtime < oldest:
                    file.unlink()
