"""The presets of a run: how much of everything to do. Each task has a budget for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The scope of a run.

    `repeats` is the number of processes for each cell, and `seconds` for how long each is timed at
    least, beyond its budget if that takes less. With `samples`, the first process of each cell
    writes the sample of its task, if it has one.
    """

    about: str
    headline_only: bool
    repeats: int
    seconds: float
    samples: bool = False


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(
        about="the four headline tasks, shortened: a first look in about ten minutes",
        headline_only=True,
        repeats=3,
        seconds=2.0,
    ),
    "standard": Preset(
        about="all tasks but heavy ones on a CPU, a part of each recipe: 75 minutes on 2 cores",
        headline_only=False,
        repeats=5,
        seconds=4.0,
    ),
    "full": Preset(
        about="all tasks but heavy ones on a CPU, the recipes as written",
        headline_only=False,
        repeats=3,
        seconds=4.0,
        samples=True,
    ),
}
