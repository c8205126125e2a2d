"""What is known of a framework beyond what is measured: its `facts.toml`, each fact with a source.

A file has the day on which its facts were looked up, and a table for each fact: its value, the day
or month which the value is of, where it is from, and whether it was read there. What has no source
is left out, and then it is not known.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from bench.launch import catalogue

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# The facts that there may be, each with what its value is.
KINDS: Mapping[str, tuple[type, str]] = {
    "release": (str, "version of the last release; its date is the fact's"),
    "archived": (bool, "whether the project has ended"),
    "licence": (str, "licence"),
    "python": (str, "versions of Python"),
    "distributed": (list, "ways of training on several devices"),
    "downloads_rank": (int, "place among the packages most downloaded from PyPI"),
    "pretrained": (str, "pretrained models"),
    "deployment": (list, "where a trained model runs, besides servers"),
}
# What the lists may hold: a score is the share of these.
PARALLELISMS = ("data", "sharded", "tensor", "pipeline")
TARGETS = ("mobile", "browser", "microcontroller")
_LISTED: Mapping[str, tuple[str, ...]] = {"distributed": PARALLELISMS, "deployment": TARGETS}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A value, the day or month that it is of ("2026-03"), its source, and if it was read there."""

    value: Any
    date: str
    source: str
    checked: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A framework's facts by name, and the day on which they were looked up; None where untold."""

    looked_up: date | None = None
    known: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def months_since_release(self) -> int | None:
        """Whole calendar months from the last release to the day of the look-up."""
        release = self.known.get("release")
        if release is None or self.looked_up is None:
            return None
        year, month = map(int, release.date.split("-")[:2])
        return 12 * (self.looked_up.year - year) + self.looked_up.month - month


def _checked(name: str, fields: dict[str, Any], file: Path) -> Fact:
    """One fact. Raises ValueError where its table is not as it should be."""
    where = f"{file}: {name}"
    if name not in KINDS:
        raise ValueError(f"{where} is no fact; there are: {', '.join(KINDS)}")
    try:
        fact = Fact(**fields)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
    kind = type(fact.value)
    if kind is not KINDS[name][0]:
        raise ValueError(f"{where} is a {kind.__name__}, not a {KINDS[name][0].__name__}")
    if name in _LISTED and not all(one in _LISTED[name] for one in fact.value):
        raise ValueError(f"{where} is {fact.value}; there are: {', '.join(_LISTED[name])}")
    if not fact.source.startswith("https://"):
        raise ValueError(f"{where}: {fact.source!r} is no source")
    date.fromisoformat(fact.date if fact.date.count("-") == 2 else f"{fact.date}-01")
    return fact


def read(file: Path) -> Facts:
    """The facts in a file. Raises ValueError for a fact that is not as it should be."""
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    looked_up = date.fromisoformat(fields.pop("looked_up"))
    return Facts(
        looked_up=looked_up,
        known={name: _checked(name, table, file) for name, table in fields.items()},
    )


@cache
def of(framework: str) -> Facts:
    """A framework's facts by its name; none where it is not known here or has no file."""
    file = catalogue.FRAMEWORKS / framework / catalogue.FACTS
    return read(file) if file.is_file() else Facts()
