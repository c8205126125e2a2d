"""The cache of proofs: certificates, the reference's traces, and the logs of proofs that failed.

Files are in the user's cache, under names that hash what they depend on, and are deleted when they
have not been used for long. Certificates and traces are sealed: their first line is the sha256 of
the rest, and what does not match it counts as missing. A cache that can only be read is used as far
as it goes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from bench.core.framework_name import in_file_name
from bench.launch.paths import cache_dir
from bench.proof.certificate import Certificate
from bench.system import files

CERTIFICATES = "certificates"
TRACES = "reference"
LOGS = "logs"
RETENTION_DAYS = 60
# Bytes of traces that are kept at most: those of all tasks for a few versions of their source.
MOST_TRACES = 12 << 30
# Bytes that are read at a time.
_PIECE = 1 << 20


def digest(*parts: object) -> str:
    """A hash of what a cached file depends on, for its name; `parts` are JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def certificate_file(name: str) -> Path:
    """The file, existing or not, of a certificate."""
    return cache_dir() / CERTIFICATES / f"{name}.certificate"


def trace_file(name: str) -> Path:
    """The file, existing or not, of a trace by the reference."""
    return cache_dir() / TRACES / f"{name}.trace"


def write(file: Path, content: bytes) -> None:
    """Seal a file's content and write it, completely or not at all. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write(file, _seal(hashlib.sha256(content)) + content)


def _seal(sha: hashlib._Hash) -> bytes:
    return f"{sha.hexdigest()}\n".encode()


def opened(file: Path) -> IO[bytes] | None:
    """A sealed file, open where its content begins, if it is there and as it was written."""
    try:
        stream = files.open_regular(file)
    except OSError:
        return None
    try:
        seal, sha = stream.readline(_PIECE), hashlib.sha256()
        while piece := stream.read(_PIECE):
            sha.update(piece)
        if seal == _seal(sha):
            stream.seek(len(seal))
            return stream
    except OSError:
        pass
    stream.close()
    return None


def mark_used(file: Path) -> None:
    """Let a file count as used today."""
    with suppress(OSError):  # a read-only cache is still useful
        os.utime(file)


def read_certificate(file: Path) -> Certificate | None:
    """The certificate in a file; None if it is missing, damaged or of another version."""
    stream = opened(file)
    if stream is None:
        return None
    with stream:
        text = stream.read()
    mark_used(file)
    try:
        return Certificate.from_fields(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def keep_log(log: Path, label: str) -> Path | None:
    """Copy a worker's log to the cache, and return where it is; None if it cannot be kept."""
    copy = cache_dir() / LOGS / f"{in_file_name(label)}.log"
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, copy)
    except OSError:
        return None
    return copy


def prune(most_traces: int = MOST_TRACES) -> None:
    """Delete files that have not been used for long: most belong to other sources or versions.

    Of traces, those used last are kept, up to so many bytes.
    """
    oldest = time.time() - RETENTION_DAYS * 24 * 3600
    for kind in (CERTIFICATES, TRACES, LOGS):
        with suppress(OSError):  # another process may be pruning, or the cache only be read
            kept = 0
            for file, found in _by_use(cache_dir() / kind):
                kept += found.st_size
                if found.st_mtime < oldest or (kind == TRACES and kept > most_traces):
                    file.unlink()


def _by_use(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """The files of a folder with what the system tells of them, the last used first."""
    every = [(file, file.stat()) for file in folder.iterdir()]
    return sorted(every, key=lambda entry: entry[1].st_mtime, reverse=True)
