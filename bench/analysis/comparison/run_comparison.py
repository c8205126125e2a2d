"""Two runs compared cell by cell: which cells are surely faster or slower in B than in A.

The runs share no blocks, so their processes cannot be paired, and the interval of a ratio is
Welch's. It covers how much processes vary within each run, but not a cause that slows a whole run:
another day, another clock rate, a busy neighbour. Such a cause moves all cells the same way, and
the comparison warns if they all did. To rule such a cause out, run A again, before or after B.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import final_metrics
from bench.analysis.cell_summary import conditions
from bench.analysis.comparison.cell_matching import match_cells
from bench.analysis.comparison.cell_pairs import VERDICTS, CellPair, one_sided_pair, pair_cells
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.pair_frame import frame
from bench.analysis.comparison.run_differences import (
    CellRecords,
    RunDifference,
    differences,
    remarks,
)
from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.core.framework_name import framework_of
from bench.core.record import Cell
from bench.records.snapshot import Caveat, Snapshot

if TYPE_CHECKING:
    import pandas as pd

# Fewer cells often move the same way by chance; two cells do so in half of all cases.
FEWEST_ALIKE = 3


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, A and B, limited to the cells that were asked for."""

    a: ComparedRun
    b: ComparedRun
    pairs: tuple[CellPair, ...]
    differences: tuple[RunDifference, ...]
    remarks: tuple[str, ...]

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """The caveats of both runs, each once."""
        return tuple(dict.fromkeys((*self.a.run.caveats, *self.b.run.caveats)))

    def framework_title(self, name: str) -> str:
        """A framework's title in B, or in A if B lacks the framework."""
        framework = self.b.snapshot.framework(name) or self.a.snapshot.framework(name)
        return framework.title if framework else name

    def frame(self) -> pd.DataFrame:
        """Every figure, one row for each pair of cells: see `pair_frame.frame`."""
        return frame(self.pairs)

    @property
    def compared(self) -> list[CellPair]:
        """The pairs whose ratio has an interval; chance may mislead in each of them."""
        return [pair for pair in self.pairs if pair.ratio and pair.ratio.known]

    @property
    def mean_ratio(self) -> float | None:
        """The geometric mean of all ratios; no interval, because the cells are not independent."""
        ratios = [pair.ratio.estimate for pair in self.pairs if pair.ratio]
        return statistics.geometric_mean(ratios) if ratios else None

    def __str__(self) -> str:
        """The comparison in one line."""
        counts = Counter(pair.verdict for pair in self.pairs)
        verdicts = ", ".join(
            f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]
        )
        words = f"{_cells(len(self.pairs))}: {verdicts}"
        if self.mean_ratio is not None:
            ratios = sum(pair.ratio is not None for pair in self.pairs)
            which = "all" if ratios == len(self.pairs) > 1 else str(ratios)
            words += f"; geometric mean of {which} ratio{'s' * (ratios != 1)} {self.mean_ratio:.2f}"
        if self.moved_alike:
            words += "; all moved the same way, as they would if the machine had changed"
        return words

    @property
    def moved_alike(self) -> str:
        """A warning if all cells moved the same way and at least one surely did; else empty."""
        compared = self.compared
        slower = {pair.ratio.estimate < 1 for pair in compared if pair.ratio}
        if (
            len(compared) < FEWEST_ALIKE
            or len(slower) > 1
            or all(pair.verdict == "tied" for pair in compared)
        ):
            return ""
        way = "slower" if True in slower else "faster"
        return (
            f"all {_cells(len(compared))} moved the same way: the machine may have been {way} "
            "during B"
        )


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def compare(
    a: Results, b: Results, *, tasks: Sequence[str] = (), frameworks: Sequence[str] = ()
) -> Comparison:
    """Compare every cell of two runs, or only those of the named tasks and frameworks.

    Raises UsageError if no cell is left, and for a name that neither run has.
    """
    cells = {summary.cell for results in (a, b) for summary in results.summaries}
    _check("task", tasks, {cell.task for cell in cells})
    named = {name for cell in cells for name in (cell.framework, framework_of(cell.framework))}
    _check("framework", frameworks, named)
    old = ComparedRun.of(a, tasks=tasks, frameworks=frameworks)
    new = ComparedRun.of(b, tasks=tasks, frameworks=frameworks)
    if not (old.summaries or new.summaries):
        raise UsageError(f"neither {a.run.folder} nor {b.run.folder} has a cell to compare")
    pairs: list[CellPair] = []
    shared: list[CellRecords] = []
    metric_remarks: list[str] = []
    for in_a, in_b in sorted(match_cells(old.summaries, new.summaries), key=_order(old, new)):
        if in_a and in_b:
            shared.append(CellRecords(a=old.of_cell(in_a), b=new.of_cell(in_b)))
            pairs.append(pair_cells(old, new, in_a, in_b, shared[-1]))
            metric_remarks += _metric_remark(new.snapshot, pairs[-1], shared[-1])
        else:
            pairs.append(one_sided_pair(old, new, in_a, in_b))
    return Comparison(
        a=old,
        b=new,
        pairs=tuple(pairs),
        differences=tuple(differences(old.run, new.run, shared)),
        remarks=(*remarks(old.run, new.run, shared), *metric_remarks),
    )


def _check(what: str, wanted: Iterable[str], existing: set[str]) -> None:
    for name in wanted:
        if name not in existing:
            names = ", ".join(sorted(existing))
            raise UsageError(f"neither run has a {what} called {name!r}; there are: {names}")


def _order(
    a: ComparedRun, b: ComparedRun
) -> Callable[[tuple[Cell | None, Cell | None]], tuple[object, ...]]:
    """A sort key: headline tasks first, and cells under the same conditions together."""

    def key(cells: tuple[Cell | None, Cell | None]) -> tuple[object, ...]:
        cell = cells[0] or cells[1]
        assert cell
        headline = any(side.snapshot.headline(cell.task) for side in (a, b))
        return (not headline, *conditions(cell), cell.framework, cell.mode, cell.tuning)

    return key


def _metric_remark(snapshot: Snapshot, pair: CellPair, records: CellRecords) -> Iterator[str]:
    """A remark if the same training changed its final metric by more than seeds explain."""
    if not pair.same_training:
        return
    metric = snapshot.metric(pair.cell.task)
    change = final_metrics.change(records.a, records.b, metric)
    if change is None or change.p_value >= final_metrics.SURE:
        return
    yield (
        f"{pair.cell}: test {metric.name} {metric.text(change.before)} → "
        f"{metric.text(change.after)}, more than seeds explain (p = {change.p_value:.1g})"
    )
