"""What was proved before: certificates, the reference's traces, and the logs of proofs that failed.

All of it lies in the user's cache under names that hash what it depends on, and is forgotten when
it has not been used for long.
"""

from __future__ import annotations

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
KEPT_DAYS = 60


def certificate_file(name: str) -> Path:
    """Where the certificate of that name is, or will be."""
    return cache_dir() / CERTIFICATES / f"{name}.json"


def trace_file(name: str) -> Path:
    """Where the reference's trace of that name is, or will be."""
    return cache_dir() / TRACES / f"{name}.npz"


def write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever else writes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(file)


def in_use(file: Path) -> bool:
    """Whether a file is there; if so it counts as used today."""
    with suppress(OSError):  # a cache that cannot be written to is still of use
        os.utime(file)
    return file.exists()


def read_certificate(file: Path) -> Certificate | None:
    """The certificate in a file; None if there is none, or another version's."""
    try:
        text = file.read_text(encoding="utf-8")
        in_use(file)
        return Certificate.from_fields(json.loads(text))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def keep_log(log: Path, label: str) -> Path:
    """Keep what a worker printed; where."""
    kept = cache_dir() / LOGS / f"{label.replace(' ', '-')}.log"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(log, kept)
    return kept


def prune() -> None:
    """Forget what has not been used for long: mostly what other sources and versions left."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for kind in (CERTIFICATES, TRACES, LOGS):
        for file in (cache_dir() / kind).glob("*"):
            with suppress(FileNotFoundError):  # another process prunes too
                if file.stat().st_mtime < oldest:
                    file.unlink()
