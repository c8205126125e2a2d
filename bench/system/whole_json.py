"""Reading JSON that may be damaged: a value is whole, or there is a reason why it is not."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from bench.system.plain_text import plain_values


def decode(text: bytes) -> Any:
    """The value of a JSON text. Raises ValueError with a short reason if it is not whole.

    Infinities and NaN, which are no JSON, are refused. Half pairs, which come from file names in no
    known encoding, are no damage: they are written as escapes.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):  # msgspec knows neither half pairs nor where it stopped
        pass
    try:
        return plain_values(
            json.loads(text.decode(), parse_float=_finite, parse_constant=_finite, parse_int=_short)
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        what = error.msg.lower().removesuffix(" at")
        raise ValueError(f"not JSON: {what} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value


def _short(text: str) -> int:
    if len(text) > 20:  # more than any count of ours, and more than a float may hold
        raise ValueError(f"{text[:20]}… is too large a number")
    return int(text)
