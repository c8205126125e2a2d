"""MNIST: LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/, in its IDX format."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common import synthetic
from bench.datasets.common.archive import damaged, not_official, read_bounded
from bench.datasets.common.components import with_components
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import Pictures

_STEMS: dict[SplitName, str] = {"train": "train", "test": "t10k"}
_IMAGES, _LABELS = "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"

# An IDX file starts with 0, 0, the type (8: unsigned byte), the number of dimensions, and each
# dimension.
_IMAGE_MAGIC = 0x0803
_LABEL_MAGIC = 0x0801
_SIDE = 28
# Bytes; the largest of the four files has 47,040,016.
_MOST_UNPACKED = 1 << 26

# md5 of the official files' contents, not of the .gz, which may have been recompressed.
_OFFICIAL_MD5 = {
    f"train-{_IMAGES}": "6bbc9ace898e44ae57da46a324031adb",
    f"train-{_LABELS}": "a25bea736e30d166cdddb491f175f624",
    f"t10k-{_IMAGES}": "2646ac647ad5339dbf082846283269ea",
    f"t10k-{_LABELS}": "27ae3e4e09519cfbb04c329615203637",
}


def _dimensions(path: Path, content: bytes, *, magic: int) -> tuple[int, ...]:
    """The shape in an IDX file's header; raises DataError if magic number or length is wrong."""
    ndim = magic & 0xFF
    header = 4 + 4 * ndim
    if len(content) < header:
        raise damaged(
            path, why=f"{len(content)} bytes in all", expected=f"an IDX header of {header} bytes"
        )
    actual, *shape = struct.unpack_from(f">{1 + ndim}I", content)
    if actual != magic:
        raise damaged(path, why=f"its magic number is {actual}", expected=f"{magic}")
    size = int(np.prod(shape, dtype=object))
    if len(content) - header != size or size == 0:
        why = f"{len(content) - header} bytes follow the header, which declares {shape}"
        raise damaged(path, why=why, expected=f"{size} bytes, and at least one")
    return tuple(shape)


def _images(path: Path, content: bytes) -> Array:
    count, *sides = _dimensions(path, content, magic=_IMAGE_MAGIC)
    if sides != [_SIDE, _SIDE]:
        raise damaged(path, why=f"its images are {sides}", expected=f"{[_SIDE, _SIDE]}")
    flat = np.frombuffer(content, np.uint8, offset=16)
    return flat.reshape(count, 1, _SIDE, _SIDE)  # (N*28*28,) -> (N, 1, 28, 28)


def _labels(path: Path, content: bytes, *, count: int) -> Array:
    (labelled,) = _dimensions(path, content, magic=_LABEL_MAGIC)
    if labelled != count:
        raise damaged(
            path, why=f"it has {labelled} labels", expected=f"one for each of {count} images"
        )
    labels = np.frombuffer(content, np.uint8, offset=8)
    if labels.max() > 9:
        raise damaged(path, why=f"it has a label {labels.max()}", expected="labels 0 to 9")
    return labels


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The four IDX files, by official name, as `{train,test}_x` uint8 (N, 1, 28, 28) and `_y` (N,).

    With them come the principal components of the training images.

    Raises DataError for a damaged file. Intact files that differ from the published ones are read,
    and marked as not official.
    """
    arrays: dict[str, Array] = {}
    official: dict[SplitName, bool] = {}
    notes = []
    for split in SPLITS:
        names = [f"{_STEMS[split]}-{_IMAGES}", f"{_STEMS[split]}-{_LABELS}"]
        listener.phase("mnist", f"reading {files[names[0]].name}, {files[names[1]].name}")
        contents = [read_bounded(files[name], most=_MOST_UNPACKED) for name in names]
        arrays[f"{split}_x"] = _images(files[names[0]], contents[0])
        count = len(arrays[f"{split}_x"])
        arrays[f"{split}_y"] = _labels(files[names[1]], contents[1], count=count)
        others = not_official(dict(zip(names, contents, strict=True)), _OFFICIAL_MD5)
        official[split] = not others
        notes += others
    return with_components(Content(arrays=arrays, official=official, note="; ".join(notes)))


# The original site has refused programs for long periods (HTTP 403), so it comes last.
_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def _official(stem: str, *, md5: str, size: int) -> OfficialFile:
    name = f"{stem}.gz"
    urls = tuple(mirror + name for mirror in _MIRRORS)
    return OfficialFile(name=name, urls=urls, md5=md5, size=size, accepts=(name, stem))


TWIN = Pictures(
    stream=1, shape=(1, 28, 28), train=60_000, test=10_000,
    prototypes=4, grid=6, threshold=165, contrast=8, ink=True, background=-16,
    shift=2, distractor=64, noise=40,
)  # fmt: skip


def twin() -> Content:
    """The synthetic twin, with the principal components of its own training images."""
    return with_components(synthetic.images(TWIN))


DATASET = Dataset(
    name="mnist",
    folders=("mnist", "MNIST", "MNIST/raw"),
    files=(
        _official("train-images-idx3-ubyte", md5="f68b3c2dcbeaaa9fbdd348bbdeb94873", size=9912422),
        _official("train-labels-idx1-ubyte", md5="d53e105ee54ea40749a09fcbcd1e9432", size=28881),
        _official("t10k-images-idx3-ubyte", md5="9fb629c4189551a2d022fa330f9573f3", size=1648877),
        _official("t10k-labels-idx1-ubyte", md5="ec29112dd5afa0611ce80d1b7f02629c", size=4542),
    ),
    parse=parse,
    twin=twin,
)
