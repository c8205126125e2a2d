"""Heights of a saddle, in a made-up format: a line is a split, two coordinates and a height.

All three are integers, in 64ths, which float32 holds exactly. The official file is not to be had.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.errors import DataError
from bench.core.listener import Listener
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

_UNIT = 64
_STREAM = 1001
_COUNTS = {"train": 1280, "test": 256}


def _arrays(split: str, rows: Array) -> dict[str, Array]:
    """The arrays of one split, from its coordinates and heights, (N, 3)."""
    values = (rows / _UNIT).astype(np.float32)
    return {f"{split}_point": values[:, :2], f"{split}_height": values[:, 2]}


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The file, by its official name. Raises DataError if a line of it cannot be read."""
    (path,) = files.values()
    listener.phase("saddle", f"reading {path.name}")
    rows: dict[str, list[list[int]]] = {split: [] for split in SPLITS}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            split, x, y, height = line.split()
            rows[split].append([int(x), int(y), int(height)])
        except (KeyError, ValueError) as error:
            raise DataError(f"{path}: line {number} is no point of a saddle: {line!r}") from error
    arrays: dict[str, Array] = {}
    for split in SPLITS:
        arrays |= _arrays(split, np.array(rows[split]))
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, True))


def twin() -> Content:
    """Points of the same saddle, with some noise."""
    arrays: dict[str, Array] = {}
    for number, split in enumerate(SPLITS):
        count = _COUNTS[split]
        rng = generator(_STREAM, number)
        x, y = below(rng, 129, count) - _UNIT, below(rng, 129, count) - _UNIT
        height = (x * y) // _UNIT + below(rng, 5, count) - 2
        arrays |= _arrays(split, np.stack([x, y, height], axis=1))
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, False), note=NOTE)


DATASET = Dataset(
    name="saddle",
    folders=("saddle",),
    files=(
        OfficialFile(
            name="heights.saddle",
            urls=("https://example.invalid/heights.saddle",),
            md5="d41d8cd98f00b204e9800998ecf8427e",
            size=20_000,
            accepts=("heights.saddle",),
        ),
    ),
    parse=parse,
    twin=twin,
)
