"""MovieLens 100K: Harper and Konstan (2015), https://grouplens.org/datasets/movielens/100k/.

Of its official splits this takes `ua`: ten ratings of each user are the test set. A line is user,
item, rating and time, separated by tabs; users and items are counted from 1. Its terms forbid
redistribution.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, read_members
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

USERS, ITEMS = 943, 1682
_FOLDER = "ml-100k"
_ALL = "u.data"
_FILES: dict[SplitName, str] = {"train": "ua.base", "test": "ua.test"}
# No checksum of the split's two files is published. Together they have the lines of `u.data`, whose
# sha256 this is; and the test set has ten ratings of each user.
_OFFICIAL_SHA256 = "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
_TEST_RATINGS = 10
# Bytes; the published archive has some 16 million.
_MOST_UNPACKED = 1 << 26

_EXPECTED = f"lines of user 1-{USERS}, item 1-{ITEMS}, rating 1-5 and time, separated by tabs"


def _ratings(path: Path, name: str, content: bytes) -> Array:
    """User, item, rating and time of each line, int64 (N, 4)."""
    try:
        rows = np.array([line.split(b"\t") for line in content.splitlines()]).astype(np.int64)
    except ValueError as error:
        raise damaged(path, why=f"its {name}: {error}", expected=_EXPECTED) from error
    if rows.ndim != 2 or rows.shape[1] != 4:
        why = f"its {name} has {rows.shape} fields"
        raise damaged(path, why=why, expected=_EXPECTED)
    least, most = rows[:, :3].min(axis=0), rows[:, :3].max(axis=0)
    if (least < 1).any() or (most > (USERS, ITEMS, 5)).any():
        why = f"its {name} has users, items and ratings from {least} to {most}"
        raise damaged(path, why=why, expected=_EXPECTED)
    return rows


def _read(path: Path) -> dict[str, bytes]:
    names = (*_FILES.values(), _ALL)
    wanted = {f"{_FOLDER}/{name}" for name in names}
    expected = f"the files {', '.join(_FILES.values())} in {_FOLDER}/"
    contents = {
        name.rpartition("/")[2]: content
        for name, content in read_members(
            path, wanted.__contains__, expected=expected, most=_MOST_UNPACKED
        )
    }
    missing = [name for name in _FILES.values() if name not in contents]
    if missing:
        raise damaged(path, why=f"{', '.join(missing)} is missing", expected=expected)
    return contents


def _why_unofficial(contents: Mapping[str, bytes], ratings: Mapping[SplitName, Array]) -> str:
    """What tells the split from the official one; "" if nothing does."""
    if hashlib.sha256(contents.get(_ALL, b"")).hexdigest() != _OFFICIAL_SHA256:
        return f"{_ALL} is not the official file, or missing"
    lines = [line for name in _FILES.values() for line in contents[name].splitlines()]
    if sorted(lines) != sorted(contents[_ALL].splitlines()):
        return f"{' and '.join(_FILES.values())} together are not {_ALL}"
    if (np.bincount(ratings["test"][:, 0], minlength=USERS + 1)[1:] != _TEST_RATINGS).any():
        return f"{_FILES['test']} does not have {_TEST_RATINGS} ratings of each user"
    return ""


def _arrays(split: SplitName, users: Array, items: Array, ratings: Array) -> dict[str, Array]:
    return {
        f"{split}_user": users.astype(np.int32),
        f"{split}_item": items.astype(np.int32),
        f"{split}_rating": ratings.astype(np.uint8),
    }


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive, or its folder, as `{train,test}_user` and `_item` int32, `_rating` uint8, (N,).

    Users and items are counted from 0. Raises DataError for a damaged archive. Intact files that
    differ from the published ones are read, and marked as not official.
    """
    (path,) = files.values()
    listener.phase("movielens", f"reading {path.name}")
    contents = _read(path)
    ratings = {split: _ratings(path, name, contents[name]) for split, name in _FILES.items()}
    note = _why_unofficial(contents, ratings)
    arrays: dict[str, Array] = {}
    for split, rows in ratings.items():
        arrays |= _arrays(split, rows[:, 0] - 1, rows[:, 1] - 1, rows[:, 2])
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, not note), note=note)


_STREAM = 4
_GROUPS = 8  # of users, and of items
_TRAIN = 90_570


def _draw(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Users and items of `count` ratings; the n-th item is rated about 1 / n as often."""
    octaves = 1 << below(rng, 11, count)
    items = np.minimum(octaves + (rng.random(count) * octaves).astype(np.int64), ITEMS) - 1
    return below(rng, USERS, count), items


def twin(*, train: int = _TRAIN, test: int = USERS * _TEST_RATINGS) -> Content:
    """The twin, with `train` and `test` ratings.

    A rating is the item's quality, plus the user's kindness, plus how well the item's group suits
    the user's, plus noise: factors explain most of it, but not all.
    """
    rng = generator(_STREAM, 0)
    quality, kindness = below(rng, 9, ITEMS), below(rng, 5, USERS)
    user_group, item_group = below(rng, _GROUPS, USERS), below(rng, _GROUPS, ITEMS)
    liking = below(rng, 9, _GROUPS * _GROUPS).reshape(_GROUPS, _GROUPS)
    arrays: dict[str, Array] = {}
    for number, (split, count) in enumerate(zip(SPLITS, (train, test), strict=True), start=1):
        rng = generator(_STREAM, number)
        users, items = _draw(rng, count)
        score = quality[items] + kindness[users] + liking[user_group[users], item_group[items]]
        ratings = np.clip((score + below(rng, 9, count)) // 5, 1, 5)  # the score is 0 to 28
        arrays |= _arrays(split, users, items, ratings)
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, False), note=NOTE)


DATASET = Dataset(
    name="movielens",
    folders=("movielens", _FOLDER),
    files=(
        OfficialFile(
            name="ml-100k.zip",
            urls=("https://files.grouplens.org/datasets/movielens/ml-100k.zip",),
            md5="0e33842e24a9c977be4e0107933c0723",
            size=4_924_029,
            accepts=("ml-100k.zip",),
            unpacked=_FOLDER,
        ),
    ),
    parse=parse,
    twin=twin,
)
