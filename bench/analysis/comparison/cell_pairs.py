"""Two runs compared cell by cell: which cells are faster or slower in B than in A, how surely.

The runs share no blocks, so their processes cannot be paired, and the interval of a ratio is
Welch's. It covers how much processes vary within each run, but not what slows a whole run down: the
machine on another day, another clock rate, a busy neighbour. Such a cause moves every cell alike,
and a comparison says so where all cells moved the same way. To rule it out, run A again, before or
after B.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bench.analysis import accuracy
from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.run_differences import (
    CellRecords,
    RunDifference,
    differences,
    effective_budget,
    remarks,
)
from bench.analysis.intervals import Interval, unpaired_ratio
from bench.analysis.results import summarize
from bench.core.errors import UsageError
from bench.core.record import Cell, Record
from bench.records.run_folder import Run
from bench.records.snapshot import Caveat

PairVerdict = Literal[
    "faster",
    "slower",
    "tied",
    "not known",
    "other work",
    "not ok",
    "only in A",
    "only in B",
]
VERDICTS: tuple[PairVerdict, ...] = get_args(PairVerdict)
# Fewer cells often move the same way by chance: two cells do in half of all cases.
FEWEST_ALIKE = 3


@dataclass(frozen=True, kw_only=True)
class CellPair:
    """One cell in both runs, or in one of them.

    `ratio` is samples/s in B over samples/s in A: above 1, B is faster. It is None for a cell that
    is missing or not ok, and for `other work`: batches or sequences of another size.
    `same_training` says whether both runs trained equally much on the same data; if not, only the
    pace can be compared. `reason` says what is not ok, or what differs.
    """

    a: CellSummary | None
    b: CellSummary | None
    verdict: PairVerdict
    ratio: Interval | None = None
    same_training: bool = True
    reason: str = ""

    @property
    def cell(self) -> Cell:
        """The cell as A has it, or as B has it where A lacks it."""
        summary = self.a or self.b
        assert summary
        return summary.cell

    @property
    def memory(self) -> float | None:
        """The ratio B / A of peak memory: of the device's on a GPU, else of the process's."""
        name = "peak_device_bytes" if self.cell.device == "cuda" else "peak_resident_bytes"
        a, b = (getattr(side, name) if side else None for side in (self.a, self.b))
        return b / a if a and b else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, A and B, limited to the cells that were asked for."""

    a: Run
    b: Run
    pairs: tuple[CellPair, ...]
    differences: tuple[RunDifference, ...]
    remarks: tuple[str, ...]

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of the figures must know, each caveat once."""
        return tuple(dict.fromkeys((*self.a.snapshot.caveats, *self.b.snapshot.caveats)))

    def framework_title(self, name: str) -> str:
        """A framework's title as B has it, or as A has it where B lacks it."""
        known = self.b.snapshot.framework(name) or self.a.snapshot.framework(name)
        return known.title if known else name

    @property
    def compared(self) -> list[CellPair]:
        """Pairs whose ratio has an interval. Each is a comparison that chance may get wrong."""
        return [pair for pair in self.pairs if pair.ratio and pair.ratio.known]

    @property
    def mean_ratio(self) -> float | None:
        """The geometric mean of all ratios, without an interval: the cells are not independent."""
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
        """A warning where every cell moved the same way, and some of them surely; else empty."""
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
    a: Run, b: Run, *, tasks: Sequence[str] = (), frameworks: Sequence[str] = ()
) -> Comparison:
    """Compare every cell of two runs, or those of the named tasks and frameworks.

    Raises UsageError where no cell is left, and for a name that neither run has.
    """
    sides = [
        {
            each.cell: each
            for each in summarize(run.records)
            if _wanted(each.cell, tasks, frameworks)
        }
        for run in (a, b)
    ]
    known = {record.job.cell for run in (a, b) for record in run.records}
    _check("task", tasks, {cell.task for cell in known})
    _check("framework", frameworks, {cell.framework for cell in known})
    if not any(sides):
        raise UsageError(f"neither {a.folder} nor {b.folder} has a cell to compare")
    by_cell = [_by_cell(run.records) for run in (a, b)]
    pairs: list[CellPair] = []
    shared: list[tuple[CellPair, CellRecords]] = []
    for in_a, in_b in sorted(_same_cells(*sides), key=_order(a, b)):
        summaries = sides[0][in_a] if in_a else None, sides[1][in_b] if in_b else None
        records = CellRecords(
            a=by_cell[0][in_a] if in_a else (), b=by_cell[1][in_b] if in_b else ()
        )
        pairs.append(_pair(*summaries, records, a, b))
        if in_a and in_b:
            shared.append((pairs[-1], records))
    a, b = (
        replace(run, records=[record for record in run.records if record.job.cell in side])
        for run, side in zip((a, b), sides, strict=True)
    )
    of_both = [records for _, records in shared]
    return Comparison(
        a=a,
        b=b,
        pairs=tuple(pairs),
        differences=tuple(differences(a, b, of_both)),
        remarks=(*remarks(a, b, of_both), *filter(None, (_accuracy(*each) for each in shared))),
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
    by_cell: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        by_cell[record.job.cell].append(record)
    return by_cell


def _order(a: Run, b: Run) -> Callable[[tuple[Cell | None, Cell | None]], tuple[object, ...]]:
    """A sort key: headline tasks first, then cells under the same conditions together."""

    def key(cells: tuple[Cell | None, Cell | None]) -> tuple[object, ...]:
        cell = cells[0] or cells[1]
        assert cell
        headline = any(run.snapshot.headline(cell.task) for run in (a, b))
        conditions = (cell.task, cell.device, cell.precision, cell.threads, cell.feed)
        return (not headline, *conditions, cell.framework, cell.mode, cell.tuning)

    return key


def _with_known_tuning(cell: Cell) -> Cell:
    """Records of schema 1 do not say their tuning; it is taken for expert, the default."""
    return cell.with_setting(tuning="expert") if cell.tuning == "untold" else cell


def _on_any_threads(cell: Cell) -> Cell:
    """A run uses all cores by default, so the same cell has other threads on another machine."""
    return _with_known_tuning(cell).with_setting(threads=0)


def _same_cells(a: Iterable[Cell], b: Iterable[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    """Each cell of A with the same cell of B, or else with the only one that can be meant."""
    matched: list[tuple[Cell | None, Cell | None]] = []
    left = list(a), list(b)
    keys: tuple[Callable[[Cell], Cell], ...] = (
        lambda cell: cell,
        _with_known_tuning,
        _on_any_threads,
    )
    for key in keys:
        groups: list[dict[Cell, list[Cell]]] = [defaultdict(list), defaultdict(list)]
        for side, group in zip(left, groups, strict=True):
            for cell in side:
                group[key(cell)].append(cell)
        for cells in [each for each in groups[0] if each in groups[1]]:
            if len(groups[0][cells]) == len(groups[1][cells]) == 1:
                in_a, in_b = groups[0][cells][0], groups[1][cells][0]
                matched.append((in_a, in_b))
                left[0].remove(in_a)
                left[1].remove(in_b)
    matched += [(cell, None) for cell in left[0]]
    matched += [(None, cell) for cell in left[1]]
    return matched


def _pair(
    a: CellSummary | None, b: CellSummary | None, records: CellRecords, run_a: Run, run_b: Run
) -> CellPair:
    faults = [
        f"{side.status} in {name}" + f": {side.reason}" * bool(side.reason)
        for name, side in (("A", a), ("B", b))
        if side and side.status != "ok"
    ]
    reason = "; ".join(faults)
    if not (a and b):
        return CellPair(a=a, b=b, verdict="only in A" if a else "only in B", reason=reason)
    old, new = records.a[0], records.b[0]
    budgets = effective_budget(old, run_a.snapshot), effective_budget(new, run_b.snapshot)
    same = (budgets[0], old.batch) == (budgets[1], new.batch) and _same_data(records)
    if faults:
        return CellPair(a=a, b=b, verdict="not ok", same_training=same, reason=reason)
    if (budgets[0].length, old.batch) != (budgets[1].length, new.batch):
        sizes = [
            f"batches of {record.batch}" + (f" and {budget.length} tokens" if budget.length else "")
            for record, budget in zip((old, new), budgets, strict=True)
        ]
        reason = f"{sizes[0]} in A, {sizes[1]} in B"
        return CellPair(a=a, b=b, verdict="other work", same_training=False, reason=reason)
    ratio = unpaired_ratio(b.throughputs.values(), a.throughputs.values())
    return CellPair(a=a, b=b, verdict=_verdict(ratio), ratio=ratio, same_training=same)


def _verdict(ratio: Interval) -> PairVerdict:
    if not ratio.known:
        return "not known"
    if ratio.includes(1):
        return "tied"
    return "faster" if ratio.estimate > 1 else "slower"


def _same_data(records: CellRecords) -> bool:
    """Whether both used the same data, as far as both say: a failed record may not say."""
    data = [
        [(one.dataset.get("source"), one.dataset.get("digest")) for one in side if one.dataset]
        for side in (records.a, records.b)
    ]
    return not all(data) or data[0][0] == data[1][0]


def _accuracy(pair: CellPair, records: CellRecords) -> str:
    """A remark where the same training ends at another accuracy than seeds explain; else empty."""
    if not pair.same_training:
        return ""
    chance = accuracy.moved(records.a, records.b)
    if chance is None or chance >= accuracy.SURE:
        return ""
    means = [
        statistics.fmean(
            record.measurement.evaluations[-1].accuracy for record in side if record.measurement
        )
        for side in (records.a, records.b)
    ]
    change = " → ".join(f"{mean:.2%}" for mean in means)
    return f"{pair.cell}: test accuracy {change}, more than seeds explain (p = {chance:.1g})"
