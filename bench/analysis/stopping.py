"""When a run has blocks enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis import cell_summary, contention, results
from bench.core.record import Record

# Whoever stops at the first narrow interval favours those that are narrow by luck. By simulation,
# 87 to 92 % of the intervals at which --until stopped from 2 blocks on hold the truth, 92 to 95 %
# of those at which it stopped from 5 on.
FEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """When a run has blocks enough.

    `repeats` blocks are planned. For each in which a process was not measured in peace another is
    made, up to `spare` of them. With `until`, more are made until every interval of a ratio to the
    fastest is that narrow (half its width over its estimate), or another block would take longer
    than `seconds` in all; then planned ones are left out too.
    """

    repeats: int
    spare: int
    until: float | None
    seconds: float

    def more(self, records: Sequence[Record], *, blocks: int, elapsed: float) -> tuple[bool, str]:
        """Whether another block is due after `blocks` of them in `elapsed` seconds, and why."""
        if self.until is not None and blocks > 1 and elapsed * (blocks + 1) / blocks > self.seconds:
            return False, (
                f"after {blocks} blocks, as another would have taken longer than the "
                f"{self.seconds:.0f} s allowed; {_in_words(widest(records))}"
            )
        if blocks < self.repeats:
            return True, "planned"
        disturbed = len(contention.disturbed_blocks(records))
        if blocks < self.repeats + min(disturbed, self.spare):
            return True, f"{disturbed} of {blocks} blocks were disturbed"
        if self.until is None:
            more = blocks - self.repeats
            made = "as planned" if not more else f"{more} more than planned, for disturbed ones"
            return False, f"{blocks} {'block' if blocks == 1 else 'blocks'}, {made}"
        missed = self.missed(records, blocks=blocks)
        if missed:
            return True, missed
        return False, f"{_in_words(widest(records))}, after {blocks} blocks"

    def missed(self, records: Sequence[Record], *, blocks: int) -> str:
        """How `until` is missed after so many blocks; empty where it is reached, or not asked."""
        found = widest(records)
        if self.until is None or found is None:
            return ""
        if found[0] > self.until:
            return _in_words(found)
        few = f"{_in_words(found)}, but fewer than {FEWEST} blocks may be that narrow by luck"
        return few if blocks < FEWEST else ""


def widest(records: Sequence[Record]) -> tuple[float, str] | None:
    """Half the width of the widest interval of a ratio to the fastest, over its estimate; whose.

    None where there is nothing to compare, infinity where an interval is not known.
    """
    found = []
    groups: dict[tuple[object, ...], list[cell_summary.CellSummary]] = {}
    for one in results.summarize(records):
        if one.status == "ok":
            groups.setdefault(cell_summary.conditions(one.cell), []).append(one)
    for group in groups.values():
        if len(group) > 1:
            found += [
                (one.relative.half_width if one.relative else math.inf, f"{one.cell}")
                for one in group
            ]
    return max(found, default=None)


def _in_words(found: tuple[float, str] | None) -> str:
    """What `widest` found."""
    if found is None:
        return "there is nothing to compare"
    width, where = found
    if not math.isfinite(width):
        return f"the interval of {where} is not known"
    if width > 1:
        return f"the widest interval is wider than the ratio itself, of {where}"
    return f"the widest interval is ±{width:.1%}, of {where}"
