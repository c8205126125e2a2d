"""What a parser or a generator hands on: the arrays of a data set, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from bench.core.batches import SplitName
from bench.core.weights import Array, digest

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def split_digest(arrays: Mapping[str, Array], split: SplitName) -> str:
    """sha256 over the arrays of one split, whose names begin with it."""
    return digest({name: arrays[name] for name in arrays if name.startswith(f"{split}_")})


@dataclass(frozen=True, kw_only=True)
class Content:
    """A data set, parsed.

    `arrays` are named as their .npy files (see `bench.core.batches`), `texts` are other files by
    name, `official` says of each split whether it is the published data to the last bit, and `note`
    tells a reader what is not; it is empty when there is nothing to tell.
    """

    arrays: dict[str, Array]
    official: dict[SplitName, bool]
    note: str = ""
    texts: dict[str, str] = field(default_factory=dict)
