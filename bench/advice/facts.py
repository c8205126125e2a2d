"""Facts about a framework that no run measures: its `facts.toml`, with a source for each fact.

A file names the day on which its facts were looked up and the claims that are made about the
framework, and has a table for each fact: the value,
the day or month that the value is from, its source, and whether it was read at that source. A fact
without a source is left out, and counts as unknown.

Facts describe a framework as it is today, not as it was when a run was made: they are read from the
framework's folder and not from the run.
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

# Every fact that a file may hold: the type of its value, and what the value is.
KINDS: Mapping[str, tuple[type, str]] = {
    "release": (str, "version of the last release; the fact's date is the date of the release"),
    "archived": (bool, "whether the project is archived"),
    "licence": (str, "licence"),
    "python": (str, "supported versions of Python"),
    "distributed": (list, "ways of training on several devices"),
    "downloads_rank": (int, "rank among the most downloaded packages on PyPI"),
    "pretrained": (str, "pretrained models"),
    "deployment": (list, "where a trained model runs, besides servers"),
}
# What the lists may hold. A score is the share of these that a framework documents.
PARALLELISMS = ("data", "sharded", "tensor", "pipeline")
TARGETS = ("mobile", "browser", "microcontroller")
_LISTED: Mapping[str, tuple[str, ...]] = {"distributed": PARALLELISMS, "deployment": TARGETS}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A value, its day or month ("2026-03"), its source, and whether it was read there."""

    value: Any
    date: str
    source: str
    checked: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class FrameworkFacts:
    """A framework's facts by name, and the day on which they were looked up, if known.

    `claimed` names the claims (see `bench.advice.claims`) that are made about it.
    """

    looked_up: date | None = None
    claimed: tuple[str, ...] = ()
    by_name: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def archived(self) -> Fact | None:
        """The fact that the project is archived, if it is."""
        fact = self.by_name.get("archived")
        return fact if fact and fact.value else None

    @property
    def months_since_release(self) -> int | None:
        """Calendar months from the last release to the day of the look-up; None if unknown."""
        release = self.by_name.get("release")
        if release is None or self.looked_up is None:
            return None
        year, month = map(int, release.date.split("-")[:2])
        return 12 * (self.looked_up.year - year) + self.looked_up.month - month


def _checked(name: str, fields: dict[str, Any], file: Path) -> Fact:
    """A fact from its table. Raises ValueError where the table is malformed."""
    where = f"{file}: {name}"
    if name not in KINDS:
        raise ValueError(f"{where} is not a known fact; known facts: {', '.join(KINDS)}")
    try:
        fact = Fact(**fields)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
    actual, expected = type(fact.value), KINDS[name][0]
    if actual is not expected:
        raise ValueError(f"{where} must be of type {expected.__name__}, not {actual.__name__}")
    if name in _LISTED and not set(fact.value) <= set(_LISTED[name]):
        allowed = ", ".join(_LISTED[name])
        raise ValueError(f"{where} is {fact.value}; allowed items: {allowed}")
    if not fact.source.startswith("https://"):
        raise ValueError(f"{where}: the source must be an https address, not {fact.source!r}")
    date.fromisoformat(fact.date if fact.date.count("-") == 2 else f"{fact.date}-01")
    return fact


def read(file: Path) -> FrameworkFacts:
    """The facts in a file. Raises ValueError for a malformed fact."""
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    looked_up = date.fromisoformat(fields.pop("looked_up"))
    claimed = tuple(fields.pop("claimed", ()))
    return FrameworkFacts(
        looked_up=looked_up,
        claimed=claimed,
        by_name={name: _checked(name, table, file) for name, table in fields.items()},
    )


@cache
def of(framework: str) -> FrameworkFacts:
    """A framework's facts by its name; empty without a file of facts, or without the framework."""
    if not catalogue.exists(framework):
        return FrameworkFacts()
    file = catalogue.load(framework).folder / catalogue.FACTS
    return read(file) if file.is_file() else FrameworkFacts()


def claimed_about(claim: str) -> tuple[str, ...]:
    """The frameworks about which a claim is made, by their files."""
    return tuple(name for name in catalogue.names() if claim in of(name).claimed)
