"""Prepared folders in the user's cache: found by key, written completely or not at all, checked.

Beside its arrays and texts, a prepared folder holds `files.json`: the size and the sha256 of every
other file in it. It is read back before each use, as a disk that was full, a power cut or a torn
copy leave files that look like data.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench.core.dataset_info import DatasetInfo
from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.datasets.common.content import SPLITS, Content, split_digest
from bench.launch.paths import cache_dir, not_writable
from bench.system import files, locks

# Increase this whenever the same source files give other arrays or other files beside them.
FORMAT_VERSION = 5

ABOUT, LISTING = "dataset.json", "files.json"
# Files whose digests are computed at a time, and bytes of one that are read at a time.
_AT_A_TIME = 4
_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """What a file of a prepared folder must be: its size in bytes, and its digest."""

    size: int
    sha256: str

    @staticmethod
    def of(file: Path) -> StoredFile:
        """Raises OSError."""
        # Not mapped into memory: a disk that cannot be read would then end this process.
        sha, size = hashlib.sha256(), 0
        with file.open("rb", buffering=0) as stream:
            while piece := stream.read(_PIECE):
                sha.update(piece)
                size += len(piece)
        return StoredFile(size=size, sha256=sha.hexdigest())

    def fault(self, file: Path, *, thorough: bool) -> str:
        """What is wrong with the file, "" if nothing; its content is read only if `thorough`."""
        try:
            size = file.stat().st_size
            if size != self.size:
                return f"{file.name} has {size:,} bytes and not {self.size:,}"
            if thorough and StoredFile.of(file) != self:
                return f"{file.name} is not what was written: its digest differs"
        except OSError as error:
            return f"{file.name} cannot be read: {error.strerror}"
        return ""


def folder_for(name: str, identity: str) -> Path:
    """The folder, existing or not, of the data set made from files with this `identity`."""
    key = hashlib.sha256(f"{FORMAT_VERSION}\0{identity}".encode()).hexdigest()[:12]
    return cache_dir() / "data" / f"{name}-{key}"


def fault(folder: Path, *, thorough: bool = True) -> str:
    """What is wrong with a prepared folder, "" if it is complete and as it was written.

    If `thorough`, every file is read: 0.06 s for MNIST where the processor computes sha256.
    """
    try:
        text = files.read(folder / LISTING)
        listing = msgspec.json.decode(text, type=dict[str, StoredFile])
    except OSError as error:
        return f"{LISTING} cannot be read: {error.strerror}"
    except msgspec.MsgspecError as error:
        return f"{LISTING} is damaged: {error}"
    if ABOUT not in listing:
        return f"{LISTING} does not list {ABOUT}"
    with ThreadPoolExecutor(_AT_A_TIME) as pool:  # hashing does not hold the interpreter's lock
        found = pool.map(
            lambda item: item[1].fault(folder / item[0], thorough=thorough), listing.items()
        )
        return next((reason for reason in found if reason), "")


@contextmanager
def _writable_cache() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(not_writable(error)) from error


@contextmanager
def locked(name: str, listener: Listener) -> Iterator[None]:
    """Hold the data set's lock, so that only one of several processes downloads and parses.

    Raises DataError if the cache cannot be written.
    """

    def waits() -> None:
        listener.phase(name, "waiting for another process that is preparing it")

    with ExitStack() as stack:
        with _writable_cache():
            stack.enter_context(locks.held(cache_dir() / "data" / f"{name}.lock", waits))
        yield


def _write(folder: Path, name: str, source: str, content: Content) -> None:
    for array_name, array in content.arrays.items():
        np.save(folder / f"{array_name}.npy", np.ascontiguousarray(array), allow_pickle=False)
    for text_name, text in content.texts.items():
        (folder / text_name).write_text(text, encoding="utf-8", newline="\n")
    info = DatasetInfo(
        name=name,
        source=source,
        digest={split: split_digest(content.arrays, split) for split in SPLITS},
        official={split: content.official[split] for split in SPLITS},
        note=content.note,
    )
    text = json.dumps(dataclasses.asdict(info), indent=2)
    (folder / ABOUT).write_text(text + "\n", encoding="utf-8")
    listing = {
        file.name: dataclasses.asdict(StoredFile.of(file)) for file in sorted(folder.iterdir())
    }
    (folder / LISTING).write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")


def save(folder: Path, *, name: str, source: str, content: Content) -> None:
    """Write a prepared folder: beside its final place, brought to the disk, then renamed.

    Needs the data set's lock. Raises DataError if the cache cannot be written.
    """
    with _writable_cache():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}-*"):  # by a process that was killed
            files.remove(left)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            complete = Path(temporary) / folder.name  # nested, as the outer folder is private
            complete.mkdir()
            _write(complete, name, source, content)
            files.sync_files(complete)
            files.remove(folder)
            complete.rename(folder)
            files.sync_folder(folder.parent)
