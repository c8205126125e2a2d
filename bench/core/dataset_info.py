"""The description of a prepared data set: `dataset.json` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.core.errors import DataError

SplitName = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """`source` is "real" or "synthetic". `digest` and `official` have a key for each split."""

    name: str
    source: str
    digest: dict[str, str]
    official: dict[str, bool]
    note: str = ""

    @staticmethod
    def read(folder: Path) -> DatasetInfo:
        """Raises DataError if `folder` holds no prepared data set."""
        try:
            fields = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
            return DatasetInfo(**fields)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{folder} holds no prepared data set: {error}") from error


def data_label(dataset: Mapping[str, Any]) -> str:
    """Whether the data are real and official, in words, from the fields of a DatasetInfo."""
    if dataset["source"] != "real":
        return str(dataset["source"])
    unofficial = [split for split, official in dataset["official"].items() if not official]
    return f"real, {' and '.join(unofficial)} not official" if unofficial else "real"
