"""Where to find the official files: on the web, with checksums, and in the user's own folders.

FRAMEBENCH_DATA may name a folder that holds official files, in one folder per data set or all
together, packed or unpacked. It may be read-only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.launch.paths import cache_dir

DATA_VARIABLE = "FRAMEBENCH_DATA"


@dataclass(frozen=True, kw_only=True)
class OfficialFile:
    """One file of an official download; `md5` and `size` (bytes) are those of the download.

    `accepts` lists file patterns, best first, that are read in its place if they are in a user's
    folder; `unpacked` is the folder to which the archive unpacks. Their content
    decides whether they are official, because a repacked archive has another checksum.
    """

    name: str
    urls: tuple[str, ...]
    md5: str
    size: int
    accepts: tuple[str, ...]
    unpacked: str | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetSource:
    """A data set's official files, and the patterns of the folders that are searched for them."""

    folders: tuple[str, ...]
    files: tuple[OfficialFile, ...]


# The original site has refused programs for long periods (HTTP 403), so it comes last.
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def _mnist(stem: str, *, md5: str, size: int) -> OfficialFile:
    name = f"{stem}.gz"
    urls = tuple(mirror + name for mirror in _MNIST_MIRRORS)
    return OfficialFile(name=name, urls=urls, md5=md5, size=size, accepts=(name, stem))


SOURCES: Mapping[str, DatasetSource] = {
    "mnist": DatasetSource(
        folders=("mnist", "MNIST", "MNIST/raw"),
        files=(
            _mnist("train-images-idx3-ubyte", md5="f68b3c2dcbeaaa9fbdd348bbdeb94873", size=9912422),
            _mnist("train-labels-idx1-ubyte", md5="d53e105ee54ea40749a09fcbcd1e9432", size=28881),
            _mnist("t10k-images-idx3-ubyte", md5="9fb629c4189551a2d022fa330f9573f3", size=1648877),
            _mnist("t10k-labels-idx1-ubyte", md5="ec29112dd5afa0611ce80d1b7f02629c", size=4542),
        ),
    ),
    "cifar10": DatasetSource(
        folders=("cifar10", "cifar-10*"),
        files=(
            # the "binary version" has fixed records; the Python version would have to be unpickled
            OfficialFile(
                name="cifar-10-binary.tar.gz",
                urls=(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com"
                    "/notebook/datasets/cifar-10-binary.tar.gz",
                ),
                md5="c32a1d4ab5d03f1284b67883e8d87530",
                size=170052171,
                accepts=("cifar-10-binary.tar*",),
                unpacked="cifar-10-batches-bin",
            ),
        ),
    ),
    "imdb": DatasetSource(
        folders=("imdb",),
        files=(
            OfficialFile(
                name="aclImdb_v1.tar.gz",
                urls=(
                    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                    "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
                ),
                md5="7c2ac02c03563afcf9b574c7e56c153a",
                size=84125825,
                accepts=("aclImdb*.tar*",),
                unpacked="aclImdb",
            ),
        ),
    ),
}


def data_folder() -> Path | None:
    """The folder that FRAMEBENCH_DATA names, whether or not it exists; None if it is not set."""
    value = os.environ.get(DATA_VARIABLE)
    return Path(value).expanduser().absolute() if value else None


def _searched(source: DatasetSource) -> Iterator[Path]:
    """The folders to search: the user's before the cache's downloads."""
    user_folder, downloads = data_folder(), cache_dir() / "downloads"
    for root in (downloads,) if user_folder is None else (user_folder, downloads):
        for pattern in source.folders:
            yield from (path for path in sorted(root.glob(pattern)) if path.is_dir())
        yield root


def _within(folder: Path, file: OfficialFile) -> Path | None:
    for pattern in file.accepts:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                return path
    if file.unpacked is not None and (folder / file.unpacked).is_dir():
        return folder / file.unpacked
    return None


def find(source: DatasetSource) -> dict[str, Path]:
    """The paths, by official name, of the files that are on this machine. Opens none of them."""
    folders = list(_searched(source))
    files: dict[str, Path] = {}
    for file in source.files:
        paths = (path for folder in folders if (path := _within(folder, file)) is not None)
        path = next(paths, None)
        if path is not None:
            files[file.name] = path
    return files


def download_folder(name: str) -> Path:
    """Where a data set's downloads go: to FRAMEBENCH_DATA if it is writable, else to the cache."""
    user_folder = data_folder()
    if user_folder is not None:
        try:
            (user_folder / name).mkdir(parents=True, exist_ok=True)
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
            stat = part.stat()
            sha.update(f"{part.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return sha.hexdigest()
