"""Prepared folders in the user's cache: found by key, written completely or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import numpy as np

from bench.core.dataset_info import DatasetInfo
from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.datasets.common.content import SPLITS, Content, split_digest
from bench.launch.paths import CACHE_VARIABLE, cache_dir

# Increase this whenever the same source files give other arrays or another dataset.json.
FORMAT_VERSION = 1


def folder_for(name: str, identity: str) -> Path:
    """The folder, existing or not, of the data set made from files with this `identity`."""
    key = hashlib.sha256(f"{FORMAT_VERSION}\0{identity}".encode()).hexdigest()[:12]
    return cache_dir() / "data" / f"{name}-{key}"


def is_ready(folder: Path) -> bool:
    """Whether the folder is complete. It is renamed to its final name once it is."""
    return (folder / "dataset.json").is_file()


@contextmanager
def _writable_cache() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the cache folder {cache_dir()} cannot be written ({error}); "
            f"set {CACHE_VARIABLE} to a writable folder with enough room"
        ) from error


@contextmanager
def locked(name: str, listener: Listener) -> Iterator[None]:
    """Hold the data set's lock, so that only one of several processes downloads and parses."""
    with _writable_cache():
        folder = cache_dir() / "data"
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            listener.phase(name, "waiting for another process that is preparing it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


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
    (folder / "dataset.json").write_text(text + "\n", encoding="utf-8")


def save(folder: Path, *, name: str, source: str, content: Content) -> None:
    """Write a prepared folder: first beside its final place, then renamed. Needs the lock.

    Raises DataError if the cache cannot be written.
    """
    with _writable_cache():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            complete = Path(temporary) / folder.name  # nested, as the outer folder is private
            complete.mkdir()
            _write(complete, name, source, content)
            shutil.rmtree(folder, ignore_errors=True)  # what an interrupted write left
            complete.rename(folder)
