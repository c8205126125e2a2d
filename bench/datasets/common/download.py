"""Download an official file from the first mirror that serves the right bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import requests
import rich.progress
from rich.console import Console

from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.datasets.common.dataset import OfficialFile
from bench.datasets.common.failed_requests import advice, reason
from bench.datasets.common.sources import DATA_VARIABLE
from bench.system import files
from bench.system.plain_text import one_line

# Seconds to connect, and seconds without receiving a byte.
_TIMEOUT = (10, 60)
_PIECE = 1 << 18
# Otherwise a server that declares .gz as a content encoding would have it decompressed.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "framebench"}


class _WrongContentError(Exception):
    """A mirror sends another file; the text says how it differs."""


@contextmanager
def _bar(label: str, total: int) -> Iterator[rich.progress.Progress | None]:
    """A progress bar on a terminal, with one task; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with rich.progress.Progress(
        *rich.progress.Progress.get_default_columns()[:2],
        rich.progress.DownloadColumn(),
        rich.progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        bar.add_task(label, total=total)
        yield bar


def _receive(url: str, file: OfficialFile, into: IO[bytes]) -> None:
    """Write what a mirror sends to `into`, and check it while it comes."""
    md5, received = hashlib.md5(usedforsecurity=False), 0
    # The library does not know the variable that other programs take the authorities from.
    authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    with (
        requests.get(
            url, headers=_HEADERS, timeout=_TIMEOUT, stream=True, verify=authorities
        ) as response,
        _bar(file.name, file.size) as bar,
    ):
        response.raise_for_status()
        for piece in response.iter_content(_PIECE):
            received += len(piece)
            if received > file.size:
                raise _WrongContentError(f"sends more than the file's {file.size:,} bytes")
            md5.update(piece)
            into.write(piece)
            if bar:
                bar.advance(bar.task_ids[0], len(piece))
    if file.md5 and md5.hexdigest() != file.md5:
        raise _WrongContentError(
            f"sends a file with a wrong checksum ({received:,} bytes with the md5 "
            f"{md5.hexdigest()}, where the official {file.size:,} have {file.md5})"
        )


def _retrieve(url: str, file: OfficialFile, folder: Path) -> Path:
    """The file, in its place only once it is complete, correct and on the disk."""
    partial = folder / f".{file.name}.{secrets.token_hex(4)}"
    try:
        with partial.open("xb") as stream:
            _receive(url, file, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(folder / file.name)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    files.sync_folder(folder)
    return folder / file.name


def fetch(file: OfficialFile, folder: Path, *, subject: str, listener: Listener) -> Path:
    """Download `file` into `folder`, where it appears once complete and with the right md5.

    Each mirror that is tried is reported to `listener`, under `subject`. Raises DataError with
    every mirror's reason if none of them serves the file, and if it cannot be written.
    """
    reasons, errors = [], []
    for url in file.urls:
        host = urlsplit(url).hostname
        listener.phase(subject, f"downloading {file.name} from {host}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _retrieve(url, file, folder)
        except _WrongContentError as error:
            reasons.append(f"{host} {error}")
        except requests.RequestException as error:
            reasons.append(f"{host} {reason(error)}")
            errors.append(error)
        except OSError as error:
            why = error.strerror or one_line(str(error))
            raise DataError(
                f"{file.name} cannot be written into {folder}: {why}; make room there, or set "
                f"{DATA_VARIABLE} to a writable folder"
            ) from error
    raise DataError(
        f"{file.name} cannot be downloaded ({'; '.join(reasons)}); {advice(errors)}, or put "
        f"the official file into a folder and set {DATA_VARIABLE} to that folder"
    )
