"""Where the official files lie: on the web, with their checksums, and in the user's own folders.

FRAMEBENCH_DATA may name a folder that holds official files, in a folder a data set or side by side,
packed or unpacked. It is read as it is, and may be read-only.
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
    """One file of an official download. `md5` and `size` (bytes) are those of the download itself.

    `accepts` are the file patterns, best first, that are read in its place when found in a user's
    folder; `unpacked` is the folder that the archive unpacks to. They are judged by their content,
    since an archive packed anew can hold the official data and still have another checksum.
    """

    name: str
    urls: tuple[str, ...]
    md5: str
    size: int
    accepts: tuple[str, ...]
    unpacked: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set's official files, and the patterns of the folders that are searched for them."""

    folders: tuple[str, ...]
    files: tuple[OfficialFile, ...]

    @property
    def size(self) -> int:
        """Bytes to download when nothing is there yet."""
        return sum(file.size for file in self.files)


# The page of origin has refused programs for long spells (HTTP 403), so it is asked last.
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def _mnist(stem: str, *, md5: str, size: int) -> OfficialFile:
    name = f"{stem}.gz"
    urls = tuple(mirror + name for mirror in _MNIST_MIRRORS)
    return OfficialFile(name=name, urls=urls, md5=md5, size=size, accepts=(name, stem))


SOURCES: Mapping[str, Source] = {
    "mnist": Source(
        folders=("mnist", "MNIST", "MNIST/raw"),
        files=(
            _mnist("train-images-idx3-ubyte", md5="f68b3c2dcbeaaa9fbdd348bbdeb94873", size=9912422),
            _mnist("train-labels-idx1-ubyte", md5="d53e105ee54ea40749a09fcbcd1e9432", size=28881),
            _mnist("t10k-images-idx3-ubyte", md5="9fb629c4189551a2d022fa330f9573f3", size=1648877),
            _mnist("t10k-labels-idx1-ubyte", md5="ec29112dd5afa0611ce80d1b7f02629c", size=4542),
        ),
    ),
    "cifar10": Source(
        folders=("cifar10", "cifar-10*"),
        files=(
            # the "binary version": fixed records, where the Python version would be unpickled
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
    "imdb": Source(
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
    """The folder that FRAMEBENCH_DATA names, which need not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else None


def _searched(source: Source) -> Iterator[Path]:
    """The folders to look in, the user's own before the cache's downloads."""
    own, downloads = data_folder(), cache_dir() / "downloads"
    for root in (downloads,) if own is None else (own, downloads):
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


def find(source: Source) -> dict[str, Path]:
    """The files that are on this machine, by official name; nothing is opened."""
    folders = list(_searched(source))
    found: dict[str, Path] = {}
    for file in source.files:
        here = (path for folder in folders if (path := _within(folder, file)) is not None)
        path = next(here, None)
        if path is not None:
            found[file.name] = path
    return found


def download_folder(name: str) -> Path:
    """Where the data set's downloads go: FRAMEBENCH_DATA if it can be written, else the cache."""
    own = data_folder()
    if own is not None:
        try:
            (own / name).mkdir(parents=True, exist_ok=True)
            # Permission bits do not tell of read-only mounts, or that root may write: try it.
            with tempfile.TemporaryFile(dir=own / name):
                return own / name
        except OSError:
            pass
    return cache_dir() / "downloads" / name


def identity(paths: Iterable[Path]) -> str:
    """A hash of the files' paths, sizes and times: it changes when they do, and costs no reading.

    Of an unpacked folder two levels are looked at. They hold CIFAR-10's files, and IMDB's folders,
    whose own times change when a review comes or goes.
    """
    sha = hashlib.sha256()
    for path in paths:
        inside = sorted([*path.glob("*"), *path.glob("*/*")]) if path.is_dir() else []
        for part in (path, *inside):
            stat = part.stat()
            sha.update(f"{part.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return sha.hexdigest()
