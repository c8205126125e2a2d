"""Download an official file from the first mirror that serves the right bytes."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import rich.progress
from requests import exceptions
from rich.console import Console

from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.datasets.common.dataset import OfficialFile
from bench.datasets.common.sources import DATA_VARIABLE

# Seconds to connect, and seconds without receiving a byte.
_TIMEOUT = (10, 60)


class _Bar:
    """A progress bar, drawn by rich, with the interface that pooch expects."""

    def __init__(self, label: str) -> None:
        self._bar = rich.progress.Progress(
            *rich.progress.Progress.get_default_columns()[:2],
            rich.progress.DownloadColumn(),
            rich.progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(label, total=None)
        self._bar.start()
        self.total = 0

    def update(self, size: int) -> None:
        self._bar.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        self._bar.reset(self._task)

    def close(self) -> None:
        self._bar.stop()


def _reason(error: Exception) -> str:
    """The error in one short phrase: a connection error's own text is a paragraph of objects."""
    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answers HTTP {error.response.status_code}"
    if isinstance(error, exceptions.ProxyError):
        return "cannot be reached through the proxy"
    if isinstance(error, exceptions.Timeout):
        return "does not answer in time"
    if isinstance(error, exceptions.ConnectionError):
        return "cannot be reached"
    if isinstance(error, ValueError):
        return "sends a file with a wrong checksum"
    return str(error) or type(error).__name__


def _retrieve(url: str, file: OfficialFile, folder: Path) -> Path:
    # Otherwise a server that declares .gz as a content encoding would have it decompressed.
    headers = {"Accept-Encoding": "identity", "User-Agent": "framebench"}
    options = {"chunk_size": 1 << 18, "timeout": _TIMEOUT, "headers": headers}
    arguments = {"known_hash": f"md5:{file.md5}", "fname": file.name, "path": folder}
    if not sys.stderr.isatty():
        return Path(pooch.retrieve(url, **arguments, downloader=pooch.HTTPDownloader(**options)))
    with closing(_Bar(file.name)) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar, **options)
        return Path(pooch.retrieve(url, **arguments, downloader=downloader))


def fetch(file: OfficialFile, folder: Path, *, subject: str, listener: Listener) -> Path:
    """Download `file` into `folder`, where it appears once complete and with the right md5.

    Each mirror that is tried is reported to `listener`, under `subject`. Raises DataError with
    every mirror's reason if none of them serves the file.
    """
    pooch.get_logger().setLevel("WARNING")  # the listener reports progress
    reasons = []
    for url in file.urls:
        listener.phase(subject, f"downloading {file.name} from {urlsplit(url).hostname}")
        try:
            return _retrieve(url, file, folder)
        except (OSError, ValueError) as error:
            reasons.append(f"{urlsplit(url).hostname} {_reason(error)}")
    raise DataError(
        f"{file.name} cannot be downloaded ({'; '.join(reasons)}); connect to the internet, or put "
        f"the official file into a folder and set {DATA_VARIABLE} to that folder"
    )
