"""The one way to write values for programs: JSON and CSV that every reader of them takes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# What a spreadsheet takes for a formula if a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """The value as JSON in ASCII; a number that JSON lacks, such as infinity, becomes null."""
    separators = (",", ":") if indent is None else None
    return json.dumps(_finite(value), indent=indent, separators=separators, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def to_csv(frame: pd.DataFrame) -> str:
    """The table as CSV, one line for each row.

    Figures have 9 digits, because the last digits of a logarithm depend on the machine. A text that
    a spreadsheet would take for a formula gets an apostrophe, which spreadsheets do not show.
    """
    names = frame.select_dtypes(include=["object", "string"]).columns
    safe = frame.assign(**{name: frame[name].map(_not_a_formula) for name in names})
    text: str = safe.to_csv(index=False, float_format="%.9g")
    return text


def _not_a_formula(value: Any) -> Any:
    formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if formula else value
