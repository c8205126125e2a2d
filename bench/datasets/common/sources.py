"""Find official files in the user's own folders and among earlier downloads.

FRAMEBENCH_DATA may name a folder that holds official files, in one folder per data set or all
together, packed or unpacked. It may be read-only.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.core.errors import UsageError
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.launch.paths import cache_dir, folder_of

DATA_VARIABLE = "FRAMEBENCH_DATA"


def data_folder() -> Path | None:
    """The folder that FRAMEBENCH_DATA names, whether or not it exists; None if it is not set."""
    return folder_of(DATA_VARIABLE)


def check_data_folder() -> None:
    """Raises UsageError if FRAMEBENCH_DATA names no folder that exists."""
    folder = data_folder()
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"{DATA_VARIABLE} names {folder}, and there is no such folder; name the one that has "
            "the data, or make it"
        )


def _searched(dataset: Dataset) -> Iterator[Path]:
    """The folders to search: the user's before the cache's downloads."""
    user_folder, downloads = data_folder(), cache_dir() / "downloads"
    for root in (downloads,) if user_folder is None else (user_folder, downloads):
        for pattern in dataset.folders:
            yield from (path for path in sorted(root.glob(pattern)) if path.is_dir())
        yield root


def _within(folder: Path, file: OfficialFile) -> Path | None:
    for pattern in file.accepts:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                return path
    if file.unpacked is not None and _holds_something(folder / file.unpacked):
        return folder / file.unpacked
    return None


def _holds_something(folder: Path) -> bool:
    """Whether there is anything in a folder but hidden files.

    Where a download was interrupted or is under way, its folder may be called like the one to which
    the archive unpacks.
    """
    return next(folder.glob("[!.]*"), None) is not None


def find(dataset: Dataset) -> dict[str, Path]:
    """The paths, by official name, of the files that are on this machine. Opens none of them."""
    folders = list(_searched(dataset))
    files: dict[str, Path] = {}
    for file in dataset.files:
        paths = (path for folder in folders if (path := _within(folder, file)) is not None)
        path = next(paths, None)
        if path is not None:
            files[file.name] = path
    return files


def download_folder(name: str) -> Path:
    """Where a data set's downloads go: to FRAMEBENCH_DATA if it is writable, else to the cache.

    Its own folder is made there, but never that of FRAMEBENCH_DATA, whose name may be mistyped.
    """
    user_folder = data_folder()
    if user_folder is not None:
        try:
            (user_folder / name).mkdir(exist_ok=True)
            # Permission bits show neither read-only mounts nor that root may write, so try it.
            with tempfile.TemporaryFile(dir=user_folder / name):
                return user_folder / name
        except OSError:
            pass
    return cache_dir() / "downloads" / name


def identity(paths: Iterable[Path]) -> str:
    """A hash over the files' paths, sizes and modification times; their content is not read.

    Of an unpacked folder, two levels count: they contain CIFAR-10's files, and IMDB's folders,
    whose own times change when a review is added or removed.
    """
    sha = hashlib.sha256()
    for path in paths:
        inside = sorted([*path.glob("*"), *path.glob("*/*")]) if path.is_dir() else []
        for part in (path, *inside):
            sha.update(f"{part.absolute()}\0".encode(errors="surrogateescape"))
            try:
                stat = part.stat()
            except OSError as error:  # such as a link to nothing; reading it will tell
                sha.update(f"{error.errno}\0".encode())
                continue
            sha.update(f"{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return sha.hexdigest()
