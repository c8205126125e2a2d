"""One cell in two runs: whether it is faster or slower in B than in A, and how certain that is.

The runs share no blocks, so their processes cannot be paired, and the interval of a ratio is
Welch's: see `bench.analysis.intervals.unpaired_ratio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.compared_run import ComparedRun
from bench.analysis.comparison.run_differences import CellRecords, effective_budget
from bench.analysis.intervals import Interval, unpaired_ratio
from bench.core.record import Cell

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


@dataclass(frozen=True, kw_only=True)
class CellPair:
    """One cell in both runs, or in one of them.

    `ratio` is samples/s in B over samples/s in A: above 1, B is faster. It is None for a cell that
    is missing or not ok, and for `other work`, which is batches or sequences of another size.
    `same_training` says whether both runs trained the same amount on the same data; if not, only
    the pace can be compared. `reason` says what is not ok, or what differs.
    """

    a: CellSummary | None
    b: CellSummary | None
    verdict: PairVerdict
    ratio: Interval | None = None
    same_training: bool = True
    reason: str = ""

    @property
    def cell(self) -> Cell:
        """The cell of A, or of B if A lacks it."""
        summary = self.a or self.b
        assert summary
        return summary.cell

    @property
    def memory(self) -> float | None:
        """The ratio B / A of peak memory: of the device's on a GPU, else of the process's."""
        a, b = (side.memory_bytes if side else None for side in (self.a, self.b))
        return b / a if a and b else None


def _faults(a: CellSummary | None, b: CellSummary | None) -> str:
    """What is not ok, and why; empty if both are ok."""
    return "; ".join(
        f"{side.status} in {name}" + f": {side.reason}" * bool(side.reason)
        for name, side in (("A", a), ("B", b))
        if side and not side.ok
    )


def one_sided_pair(
    a: ComparedRun, b: ComparedRun, in_a: Cell | None, in_b: Cell | None
) -> CellPair:
    """A cell that only one of the runs has."""
    old, new = (a.summaries[in_a] if in_a else None), (b.summaries[in_b] if in_b else None)
    verdict: PairVerdict = "only in A" if old else "only in B"
    return CellPair(a=old, b=new, verdict=verdict, reason=_faults(old, new))


def pair_cells(
    a: ComparedRun, b: ComparedRun, in_a: Cell, in_b: Cell, records: CellRecords
) -> CellPair:
    """A cell that both runs have."""
    old, new = a.summaries[in_a], b.summaries[in_b]
    first = records.a[0], records.b[0]
    budgets = [
        effective_budget(record, side.snapshot) for record, side in zip(first, (a, b), strict=True)
    ]
    work = [(budget.length, record.batch) for budget, record in zip(budgets, first, strict=True)]
    same = (
        budgets[0] == budgets[1]
        and work[0] == work[1]
        and first[0].job.weights == first[1].job.weights
        and _same_data(records)
    )
    if faults := _faults(old, new):
        return CellPair(a=old, b=new, verdict="not ok", same_training=same, reason=faults)
    if work[0] != work[1]:
        sizes = [
            f"batches of {batch}" + (f" and {length} tokens" if length else "")
            for length, batch in work
        ]
        reason = f"{sizes[0]} in A, {sizes[1]} in B"
        return CellPair(a=old, b=new, verdict="other work", same_training=False, reason=reason)
    ratio = unpaired_ratio(new.throughputs.values(), old.throughputs.values())
    return CellPair(a=old, b=new, verdict=_verdict(ratio), ratio=ratio, same_training=same)


def _verdict(ratio: Interval) -> PairVerdict:
    if not ratio.known:
        return "not known"
    if ratio.includes(1):
        return "tied"
    return "faster" if ratio.estimate > 1 else "slower"


def _same_data(records: CellRecords) -> bool:
    """Whether both used the same data. A failed record may not name its data, and is skipped."""
    data = [
        [
            (record.dataset.get("source"), record.dataset.get("digest"))
            for record in side
            if record.dataset
        ]
        for side in (records.a, records.b)
    ]
    return not all(data) or data[0][0] == data[1][0]
