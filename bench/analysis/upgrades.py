"""What an upgrade brings: the pace of a version over that of the version before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from packaging.version import InvalidVersion, Version

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval, ratio
from bench.analysis.results import ResultTable
from bench.core.grouping import grouped

# A version in the name of a variant, such as those of `jax_flax[flax==0.12.7]==0.10.1`.
_VERSION = re.compile(r"==([^,\]]+)")


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """A cell in an older and in a newer version; `ratio` is how many times as fast the newer is."""

    older: CellSummary
    newer: CellSummary
    ratio: Interval


def upgrades(table: ResultTable) -> Iterator[Upgrade]:
    """Each step from a version of a table to the next, with all else the same."""
    versioned = [summary for summary in table.ok if _versions(summary)]
    for alike in grouped(versioned, _all_else).values():
        for older, newer in pairwise(sorted(alike, key=_versions)):
            if known := ratio(newer.throughputs, older.throughputs):
                yield Upgrade(older=older, newer=newer, ratio=known)


def _all_else(summary: CellSummary) -> tuple[str, ...]:
    cell = summary.cell
    return _VERSION.sub("==", cell.framework), cell.mode, cell.tuning


def _versions(summary: CellSummary) -> list[Version]:
    """The versions in the order of the name, which is the same in all that are alike.

    None if one of them may be any of several, as `==2.12.*` may.
    """
    try:
        return [Version(found) for found in _VERSION.findall(summary.cell.framework)]
    except InvalidVersion:
        return []
