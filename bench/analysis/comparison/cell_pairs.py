"""Two runs, cell by cell: which became faster or slower in B than in A, and how sure that is.

The two share no blocks, so their processes are not paired: the interval of a ratio is Welch's. It
knows how much the processes of each run vary, and nothing of what slows a whole run: the machine of
another day, another clock rate, a neighbour. Such a thing moves every cell alike, and is said where
all have moved the same way. Who wants to know better runs A again, before or after B.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bench import tasks
from bench.analysis import accuracy
from bench.analysis.cell_summary import CellSummary, summarize
from bench.analysis.comparison.run_differences import (
    Difference,
    Pair,
    differences,
    effective,
    remarks,
)
from bench.analysis.intervals import Interval, unpaired_ratio
from bench.core.errors import UsageError
from bench.core.record import Cell, Record
from bench.records.run_folder import Run

Verdict = Literal[
    "faster",
    "slower",
    "tied",
    "not known",
    "other work",
    "not ok",
    "only in A",
    "only in B",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
# Cells that have moved the same way by chance: two in a half of cases, three in a quarter.
FEWEST_ALIKE = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """One cell in both runs, or in one of them.

    `ratio` is samples/s in B over A: above 1, B is faster. None where there is none to be had: a
    cell that is not ok or not there, or that trains on batches or sequences of another size, which
    is `other work`. `same_training` is whether both trained as much on the same data: if not, they
    are to be compared in pace alone. `reason` tells what is not ok, or other.
    """

    a: CellSummary | None
    b: CellSummary | None
    verdict: Verdict
    ratio: Interval | None = None
    same_training: bool = True
    reason: str = ""

    @property
    def cell(self) -> Cell:
        """The cell as A has it, or B if A has none."""
        found = self.a or self.b
        assert found
        return found.cell

    @property
    def memory(self) -> float | None:
        """The most memory that a process held, in B over A; the device's where there is one."""
        name = "peak_device_bytes" if self.cell.device == "cuda" else "peak_resident_bytes"
        held = [getattr(one, name) if one else None for one in (self.a, self.b)]
        return held[1] / held[0] if held[0] and held[1] else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, A and B, as far as their cells were asked for."""

    a: Run
    b: Run
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...]

    @property
    def compared(self) -> list[Row]:
        """Rows whose ratio has an interval: each is a comparison that chance may decide."""
        return [row for row in self.rows if row.ratio and row.ratio.known]

    @property
    def mean_ratio(self) -> float | None:
        """The geometric mean of all ratios; it has no interval, as cells share their machine."""
        ratios = [row.ratio.estimate for row in self.rows if row.ratio]
        return statistics.geometric_mean(ratios) if ratios else None

    def __str__(self) -> str:
        """The whole in a line of words."""
        counts = Counter(row.verdict for row in self.rows)
        told = ", ".join(f"{counts[one]} {one}" for one in VERDICTS if counts[one])
        words = f"{_cells(len(self.rows))}: {told}"
        if self.mean_ratio is not None:
            ratios = sum(row.ratio is not None for row in self.rows)
            which = "all" if ratios == len(self.rows) > 1 else str(ratios)
            words += f"; geometric mean of {which} ratio{'s' * (ratios != 1)} {self.mean_ratio:.2f}"
        if self.moved_alike:
            words += "; all moved the same way, as they would with the machine"
        return words

    @property
    def moved_alike(self) -> str:
        """Said where every cell moved the same way, and some surely; else empty."""
        found = self.compared
        ways = {row.ratio.estimate < 1 for row in found if row.ratio}
        if (
            len(found) < FEWEST_ALIKE
            or len(ways) > 1
            or all(row.verdict == "tied" for row in found)
        ):
            return ""
        way = "slower" if True in ways else "faster"
        return (
            f"all {_cells(len(found))} moved the same way: the machine may have been {way} that day"
        )


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def compare(
    a: Run, b: Run, *, tasks: Sequence[str] = (), frameworks: Sequence[str] = ()
) -> Comparison:
    """Every cell of either run, of those tasks and frameworks alone if any are named.

    Raises UsageError where no cell is left.
    """
    sides = [
        {one.cell: one for one in summarize(run.records) if _wanted(one.cell, tasks, frameworks)}
        for run in (a, b)
    ]
    known = {record.job.cell for run in (a, b) for record in run.records}
    _check("task", tasks, {cell.task for cell in known})
    _check("framework", frameworks, {cell.framework for cell in known})
    if not any(sides):
        raise UsageError(f"neither {a.folder} nor {b.folder} has a cell to compare")
    by_cell = [_by_cell(run.records) for run in (a, b)]
    rows: list[Row] = []
    shared: list[tuple[Row, Pair]] = []
    for one, other in sorted(_pairs(*sides), key=_place):
        pair = (by_cell[0][one] if one else [], by_cell[1][other] if other else [])
        rows.append(_row(sides[0][one] if one else None, sides[1][other] if other else None, pair))
        if one and other:
            shared.append((rows[-1], pair))
    a, b = (
        replace(run, records=[one for one in run.records if one.job.cell in side])
        for run, side in zip((a, b), sides, strict=True)
    )
    pairs = [pair for _, pair in shared]
    return Comparison(
        a=a,
        b=b,
        rows=tuple(rows),
        differences=tuple(differences(a, b, pairs)),
        remarks=(*remarks(a, b, pairs), *filter(None, (_accuracy(*one) for one in shared))),
    )


def _wanted(cell: Cell, tasks: Sequence[str], frameworks: Sequence[str]) -> bool:
    return cell.task in (tasks or [cell.task]) and cell.framework in (
        frameworks or [cell.framework]
    )


def _check(what: str, wanted: Iterable[str], known: set[str]) -> None:
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"neither run has a {what} called {name!r}; there are: {', '.join(sorted(known))}"
            )


def _by_cell(records: Iterable[Record]) -> dict[Cell, list[Record]]:
    found: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        found[record.job.cell].append(record)
    return found


def _place(pair: tuple[Cell | None, Cell | None]) -> tuple[object, ...]:
    """Headline tasks first, then by what is compared with what."""
    cell = pair[0] or pair[1]
    assert cell
    headline = cell.task in tasks.names() and tasks.load(cell.task).headline
    where = (cell.task, cell.device, cell.precision, cell.threads, cell.feed)
    return (not headline, *where, cell.framework, cell.mode, cell.tuning)


def _told(cell: Cell) -> Cell:
    """A tuning that schema 1 does not tell is taken for the expert's, which is the default."""
    return cell.with_setting(tuning="expert") if cell.tuning == "untold" else cell


def _on_any_threads(cell: Cell) -> Cell:
    """By default a run takes all cores: on another machine the same cell has other threads."""
    return _told(cell).with_setting(threads=0)


def _pairs(a: Iterable[Cell], b: Iterable[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    """Each cell of A with that of B which is the same, or else the only one that may be meant."""
    found: list[tuple[Cell | None, Cell | None]] = []
    left = list(a), list(b)
    same: tuple[Callable[[Cell], Cell], ...] = (lambda cell: cell, _told, _on_any_threads)
    for alike in same:
        groups: list[dict[Cell, list[Cell]]] = [defaultdict(list), defaultdict(list)]
        for side, group in zip(left, groups, strict=True):
            for cell in side:
                group[alike(cell)].append(cell)
        for key in groups[0]:
            if len(groups[0][key]) == len(groups[1].get(key, [])) == 1:
                one, other = groups[0][key][0], groups[1][key][0]
                found.append((one, other))
                left[0].remove(one)
                left[1].remove(other)
    found += [(one, None) for one in left[0]]
    found += [(None, other) for other in left[1]]
    return found


def _row(a: CellSummary | None, b: CellSummary | None, pair: Pair) -> Row:
    bad = [
        f"{one.status} in {name}" + f": {one.reason}" * bool(one.reason)
        for name, one in (("A", a), ("B", b))
        if one and one.status != "ok"
    ]
    reason = "; ".join(bad)
    if not (a and b):
        return Row(a=a, b=b, verdict="only in A" if a else "only in B", reason=reason)
    old, new = pair[0][0], pair[1][0]
    budgets = effective(old), effective(new)
    same = (budgets[0], old.batch) == (budgets[1], new.batch) and _same_data(pair)
    if bad:
        return Row(a=a, b=b, verdict="not ok", same_training=same, reason=reason)
    if (budgets[0].length, old.batch) != (budgets[1].length, new.batch):
        sizes = [
            f"batches of {one.batch}" + (f" and {budget.length} tokens" if budget.length else "")
            for one, budget in zip((old, new), budgets, strict=True)
        ]
        reason = f"{sizes[0]} in A, {sizes[1]} in B"
        return Row(a=a, b=b, verdict="other work", same_training=False, reason=reason)
    ratio = unpaired_ratio(b.throughputs.values(), a.throughputs.values())
    return Row(a=a, b=b, verdict=_verdict(ratio), ratio=ratio, same_training=same)


def _verdict(ratio: Interval) -> Verdict:
    if not ratio.known:
        return "not known"
    if ratio.includes(1):
        return "tied"
    return "faster" if ratio.estimate > 1 else "slower"


def _same_data(pair: Pair) -> bool:
    """Whether both were trained on the same data, as far as both tell: what broke may not."""
    told = [
        [(one.dataset.get("source"), one.dataset.get("digest")) for one in side if one.dataset]
        for side in pair
    ]
    return not all(told) or told[0][0] == told[1][0]


def _accuracy(row: Row, pair: Pair) -> str:
    """Said where the same training ends at another accuracy than seeds explain; else empty."""
    if not row.same_training:
        return ""
    chance = accuracy.moved(*pair)
    if chance is None or chance >= accuracy.SURE:
        return ""
    last = [[one.measurement.evaluations[-1] for one in side if one.measurement] for side in pair]
    means = " → ".join(f"{statistics.fmean(one.accuracy for one in side):.2%}" for side in last)
    return f"{row.cell}: test accuracy {means}, more than seeds explain (p = {chance:.1g})"
