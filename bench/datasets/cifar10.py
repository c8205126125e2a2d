"""CIFAR-10: Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html, the binary version.

A record is one label byte, then 1024 red, 1024 green and 1024 blue bytes, row by row. The version
for Python holds the same images as a pickle, and unpickling a download executes code in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common import synthetic
from bench.datasets.common.archive import damaged, read_members
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import Pictures

_FOLDER = "cifar-10-batches-bin"
_RECORD = 1 + 3 * 32 * 32
# Bytes; the published archive has 184,380,000 and some.
_MOST_UNPACKED = 1 << 28

_FILES: dict[SplitName, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}

# sha1 of the files in the official archive.
_OFFICIAL_SHA1 = {
    "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
}


def _records(path: Path, name: str, content: bytes) -> Array:
    """The records of one .bin file, uint8 (N, 3073)."""
    if not content or len(content) % _RECORD:
        why = f"its {name} has {len(content)} bytes"
        raise damaged(path, why=why, expected=f"records of {_RECORD} bytes, one or more")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        why = f"its {name} has a label {records[:, 0].max()}"
        raise damaged(path, why=why, expected="labels 0 to 9")
    return records


def _read(path: Path) -> dict[str, bytes]:
    paths = {f"{_FOLDER}/{name}" for name in _OFFICIAL_SHA1}
    expected = f"the files {', '.join(sorted(_OFFICIAL_SHA1))} in {_FOLDER}/"
    contents = {
        name.rpartition("/")[2]: content
        for name, content in read_members(
            path, paths.__contains__, expected=expected, most=_MOST_UNPACKED
        )
    }
    missing = sorted(_OFFICIAL_SHA1.keys() - contents.keys())
    if missing:
        raise damaged(path, why=f"{', '.join(missing)} is missing", expected=expected)
    return contents


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive, or its folder, as `{train,test}_x` uint8 (N, 3, 32, 32) and `_y` uint8 (N,).

    Raises DataError for a damaged archive. Intact files that differ from the published ones are
    read, and marked as not official.
    """
    (path,) = files.values()
    listener.phase("cifar10", f"reading {path.name}")
    contents = _read(path)
    arrays: dict[str, Array] = {}
    official: dict[SplitName, bool] = {}
    notes = []
    for split in SPLITS:
        records = np.concatenate([_records(path, name, contents[name]) for name in _FILES[split]])
        arrays[f"{split}_x"] = records[:, 1:].reshape(-1, 3, 32, 32)  # (N, 3072) -> (N, 3, 32, 32)
        arrays[f"{split}_y"] = records[:, 0]
        hashes = {
            name: hashlib.sha1(contents[name], usedforsecurity=False).hexdigest()
            for name in _FILES[split]
        }
        unofficial = [name for name in hashes if hashes[name] != _OFFICIAL_SHA1[name]]
        official[split] = not unofficial
        notes += [f"{name} is not the official file (sha1 {hashes[name]})" for name in unofficial]
    return Content(arrays=arrays, official=official, note="; ".join(notes))


TWIN = Pictures(
    stream=2, shape=(3, 32, 32), train=50_000, test=10_000,
    prototypes=10, grid=7, threshold=128, contrast=1, ink=False, background=120,
    shift=5, distractor=112, noise=64,
)  # fmt: skip

DATASET = Dataset(
    name="cifar10",
    folders=("cifar10", "cifar-10*"),
    files=(
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
            unpacked=_FOLDER,
        ),
    ),
    parse=parse,
    twin=partial(synthetic.images, TWIN),
)
