"""Chest X-rays: PneumoniaMNIST of MedMNIST, Yang et al. (2023), https://medmnist.com, at 224 x 224.

Its file is a numpy archive with `train_images` and `test_images`, uint8 (N, H, W), and
`train_labels` and `test_labels`, (N, 1): 0 for no finding, 1 for pneumonia. Any other file in this
layout is read in its place. Pictures are padded with black to 256 x 256.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common import synthetic
from bench.datasets.common.archive import damaged, md5_of, read_members
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import Pictures

SIDE = 256
_OFFICIAL = "pneumoniamnist_224.npz"
_OFFICIAL_MD5 = "d6a3c71de1b945ea11211b03746c1fe1"
# Bytes; the published archive has some 294 million.
_MOST_UNPACKED = 1 << 30

_EXPECTED = (
    f"train_images and test_images, uint8 (N, H, W) of at most {SIDE} x {SIDE}, and train_labels "
    "and test_labels, 0 or 1, (N, 1)"
)


def _array(path: Path, name: str, content: bytes) -> Array:
    """The array of a .npy file. Its header claims what follows, so that is counted first."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, in_columns, dtype = read(stream)
    except (ValueError, KeyError) as error:
        raise damaged(path, why=f"its {name} is no array: {error}", expected=_EXPECTED) from error
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.kind not in "iu" or in_columns or len(content) - stream.tell() != size or not size:
        why = f"its {name} has the shape {shape} of {dtype}"
        raise damaged(path, why=why, expected=_EXPECTED)
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape)


def _padded(images: Array) -> Array:
    """Pictures with black around them: (N, H, W) -> (N, 1, SIDE, SIDE)."""
    count, height, width = images.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    padded = np.zeros((count, 1, SIDE, SIDE), np.uint8)
    padded[:, 0, top : top + height, left : left + width] = images
    return padded


def _split(path: Path, images: Array, labels: Array) -> tuple[Array, Array]:
    if images.ndim != 3 or images.dtype != np.uint8 or max(images.shape[1:]) > SIDE:
        why = f"its images have the shape {images.shape} of {images.dtype}"
        raise damaged(path, why=why, expected=_EXPECTED)
    if labels.shape != (len(images), 1) or labels.max() > 1 or labels.min() < 0:
        why = f"its labels have the shape {labels.shape}, from {labels.min()} to {labels.max()}"
        raise damaged(path, why=why, expected=_EXPECTED)
    return _padded(images), labels[:, 0].astype(np.uint8)


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive as `{train,test}_x` uint8 (N, 1, 256, 256) and `_y` uint8 (N,).

    Raises DataError for a damaged archive. One that is not the published file is read, and marked
    as not official.
    """
    (path,) = files.values()
    listener.phase("xray", f"reading {path.name}")
    names = {f"{split}_{what}.npy" for split in SPLITS for what in ("images", "labels")}
    found = {
        name: _array(path, name, content)
        for name, content in read_members(
            path, names.__contains__, expected=_EXPECTED, most=_MOST_UNPACKED
        )
    }
    if missing := sorted(names - found.keys()):
        raise damaged(path, why=f"{', '.join(missing)} is missing", expected=_EXPECTED)
    arrays: dict[str, Array] = {}
    for split in SPLITS:
        images, labels = found[f"{split}_images.npy"], found[f"{split}_labels.npy"]
        arrays[f"{split}_x"], arrays[f"{split}_y"] = _split(path, images, labels)
    md5 = md5_of(path)
    official: dict[SplitName, bool] = dict.fromkeys(SPLITS, md5 == _OFFICIAL_MD5)
    note = "" if md5 == _OFFICIAL_MD5 else f"{path.name} is not {_OFFICIAL} (md5 {md5})"
    return Content(arrays=arrays, official=official, note=note)


# As many as a file of 1,000 has. The published one has five times as many, which take 0.4 GB.
TWIN = Pictures(
    stream=7, shape=(1, SIDE, SIDE), train=815, test=185, classes=2,
    prototypes=4, grid=7, threshold=128, contrast=1, ink=False, background=120,
    shift=2, distractor=112, noise=64,
)  # fmt: skip

DATASET = Dataset(
    name="xray",
    folders=("xray", "chest-xray", "medmnist", ".medmnist"),
    files=(
        OfficialFile(
            name=_OFFICIAL,
            urls=("https://zenodo.org/records/10519652/files/pneumoniamnist_224.npz?download=1",),
            md5=_OFFICIAL_MD5,
            size=214_384_716,
            accepts=(_OFFICIAL, "chest-xray*.npz", "*xray*.npz"),
        ),
    ),
    parse=parse,
    twin=partial(synthetic.images, TWIN),
)
