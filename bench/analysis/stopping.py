"""When a run has enough blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis import cell_summary, contention, results
from bench.analysis.final_metrics import Metrics
from bench.core.record import Record

# Stopping at the first narrow interval favours intervals that are narrow by luck. In simulations,
# 87 to 92 % of the intervals at which --until stopped contain the truth if it may stop from 2
# blocks on, and 92 to 95 % if it may stop from 5 on.
FEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The rule by which a run stops.

    `repeats` blocks are planned. For each block in which other processes disturbed a measurement,
    another is added, up to `spare` of them. With `until`, blocks are added until every interval of
    a ratio to the fastest is that narrow (half its width over its estimate): each ratio's own
    interval, as a run must be long enough for each figure that it shows. A cell with nothing beside
    it is judged by the interval of its pace. In that case a run also stops, even before `repeats`,
    if another block would exceed `seconds` in all. `metrics` are those of the tasks, by name.
    """

    repeats: int
    spare: int
    until: float | None
    seconds: float
    metrics: Metrics

    def more(self, records: Sequence[Record], *, blocks: int, elapsed: float) -> tuple[bool, str]:
        """Whether another block is needed after `blocks` in `elapsed` seconds, and why."""
        if self.until is not None and blocks > 1 and elapsed * (blocks + 1) / blocks > self.seconds:
            return False, (
                f"after {blocks} blocks, as another would have taken longer than the "
                f"{self.seconds:.0f} s allowed; {_in_words(widest(records, self.metrics))}"
            )
        if blocks < self.repeats:
            return True, "planned"
        disturbed = len(contention.disturbed_blocks(records))
        if blocks < self.repeats + min(disturbed, self.spare):
            return True, f"{disturbed} of {blocks} blocks were disturbed"
        if self.until is None:
            added = blocks - self.repeats
            why = f"{added} more than planned, for disturbed ones" if added else "as planned"
            return False, f"{blocks} {'block' if blocks == 1 else 'blocks'}, {why}"
        interval = widest(records, self.metrics)
        missed = self._missed_by(interval, blocks)
        if missed and interval:  # where nothing is ok, more blocks would not help
            return True, missed
        return False, f"{_in_words(interval)}, after {blocks} blocks"

    def missed(self, records: Sequence[Record], *, blocks: int) -> str:
        """How `until` is missed after so many blocks; "" if it is reached, or not requested."""
        return "" if self.until is None else self._missed_by(widest(records, self.metrics), blocks)

    def _missed_by(self, interval: tuple[float, str] | None, blocks: int) -> str:
        """As `missed`, from the result of `widest`."""
        if self.until is None:
            return ""
        if interval is None:
            return _in_words(interval)
        half_width, _ = interval
        if half_width > self.until:
            return _in_words(interval)
        if blocks < FEWEST:
            return (
                f"{_in_words(interval)}, but fewer than {FEWEST} blocks may be that narrow by luck"
            )
        return ""


def widest(records: Sequence[Record], metrics: Metrics) -> tuple[float, str] | None:
    """The cell with the widest interval of its ratio to the fastest, after that half-width.

    For a cell with nothing beside it, the interval is that of its pace. The half-width is relative
    to the estimate, and infinite if an interval is unknown. None if no cell is ok. `metrics` are
    those of the tasks, by name.
    """
    ok = [summary for summary in results.summarize(records, metrics) if summary.ok]
    intervals = []
    for group in cell_summary.by_conditions(ok).values():
        for summary in group:
            interval = summary.relative if len(group) > 1 else summary.throughput
            half_width = interval.half_width if interval else math.inf
            intervals.append((half_width, str(summary.cell)))
    return max(intervals, default=None)


def _in_words(interval: tuple[float, str] | None) -> str:
    """The result of `widest` as a phrase."""
    if interval is None:
        return "no cell is ok"
    half_width, cell = interval
    if not math.isfinite(half_width):
        return f"the interval of {cell} is not known"
    if half_width > 1:
        return f"the widest interval is wider than the ratio itself, of {cell}"
    return f"the widest interval is ±{half_width:.1%}, of {cell}"
