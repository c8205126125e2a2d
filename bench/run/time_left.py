"""How long a run will still take, by what each of its cells has taken so far.

A cell is expected to take as long as in the blocks that are done: its job's own seconds, as those
that take turns do not count while they are stopped. A cell that is not measured yet is expected to
take as long as the others of its task, or else as all others. Starting and ending processes comes
on top, in proportion to what it took so far. From this comes off what the jobs in progress have
used.

Nobody likes a clock that runs backwards: for a small correction upwards, the time left falls more
slowly for a while, and only one that is more than `SURPRISE` of it makes it rise.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bench.core.record import Cell, Record

# The part of the time left by which an estimate may rise before it is shown.
SURPRISE = 0.15
# By how much the end may move, for each second that passes, without the time left rising.
CATCHING_UP = 0.9
# The part of their expected time that jobs in progress still need, however long they took already.
OVERDUE = 0.05


@dataclass(kw_only=True)
class TimeLeft:
    """`cells` are those of a block, `blocks` how many are planned, `done` what was done before.

    `elsewhere` are jobs of these blocks that other shards measure.
    """

    cells: Sequence[Cell]
    blocks: int
    done: set[tuple[Cell, int]]
    elsewhere: frozenset[tuple[Cell, int]] = frozenset()
    clock: Callable[[], float] = time.monotonic
    _seconds: dict[Cell, list[float]] = field(default_factory=dict)
    _started: float | None = None
    _begun: float | None = None  # of the jobs in progress, less what those that ended have used
    _together: set[Cell] = field(default_factory=set)  # the cells of these jobs, as far as known
    _around: float = 1.0  # seconds by the clock for each of the jobs' own
    _end: float | None = None  # as it was last shown
    _shown: float = 0.0

    @property
    def jobs(self) -> int:
        """How many jobs are planned here, those that were done before included."""
        return len(self.cells) * self.blocks - len(self.elsewhere)

    def begin(self, cells: Collection[Cell] = ()) -> None:
        """Jobs are in progress from now on, unless some were already: of these cells, if known."""
        now = self.clock()
        self._started = now if self._started is None else self._started
        self._begun = now if self._begun is None else self._begun
        self._together |= set(cells)

    def recorded(self, record: Record) -> None:
        """A job is done."""
        cell = record.job.cell
        self.done.add((cell, record.job.block))
        self._seconds.setdefault(cell, []).append(record.wall_seconds)
        self._together.discard(cell)
        if self._begun is not None:
            self._begun = min(self.clock(), self._begun + self._around * record.wall_seconds)

    def idle(self) -> None:
        """No job is in progress."""
        self._begun = None
        self._together = set()
        own = sum(map(sum, self._seconds.values()))
        if own and self._started is not None:
            self._around = max(1.0, (self.clock() - self._started) / own)

    def extended(self) -> None:
        """Another block is added."""
        self.blocks += 1
        self._end = None  # the end is another one

    def seconds(self) -> float | None:
        """The seconds left; None as long as no job is done."""
        if not self._seconds:
            return None
        expected = {cell: self._around * self._expected(cell) for cell in self.cells}
        left = sum(
            expected[cell]
            for block in range(self.blocks)
            for cell in self.cells
            if (cell, block) not in self.done and (cell, block) not in self.elsewhere
        )
        now = self.clock()
        if self._begun is not None and left:
            # A job that takes longer than expected does not use the time of the others.
            used = now - self._begun
            together = [expected[cell] for cell in self._together]
            left -= min(used, (1 - OVERDUE) * (sum(together) or max(expected.values())))
        end = now + left
        if self._end is not None and self._end < end < self._end + SURPRISE * (self._end - now):
            end = min(end, self._end + CATCHING_UP * (now - self._shown))
        self._end, self._shown = end, now
        return max(0.0, end - now)

    def _expected(self, cell: Cell) -> float:
        """The seconds that a job of the cell will take."""
        if own := self._seconds.get(cell):
            return statistics.median(own)
        return (
            _mean(self._seconds[other] for other in self._seconds if other.task == cell.task)
            or _mean(self._seconds.values())
            or 0.0
        )


def _mean(of: Iterable[Sequence[float]]) -> float | None:
    values = [statistics.median(seconds) for seconds in of]
    return statistics.fmean(values) if values else None
