"""The result of a parser or a generator: a data set's arrays, and whether they are official."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from bench.core.arrays import Array, digest
from bench.core.dataset_info import SplitName

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def split_digest(arrays: Mapping[str, Array], split: SplitName) -> str:
    """sha256 over the arrays of one split, whose names begin with it."""
    return digest({name: arrays[name] for name in arrays if name.startswith(f"{split}_")})


@dataclass(frozen=True, kw_only=True)
class Content:
    """A parsed data set.

    `arrays` are named after their .npy files (see `bench.core.split`); `texts` holds the contents
    of other files by name. `official` says for each split whether it equals the published data
    bit for bit; `note` tells readers what does not, and is empty if everything does.
    """

    arrays: dict[str, Array]
    official: dict[SplitName, bool]
    note: str = ""
    texts: dict[str, str] = field(default_factory=dict)
