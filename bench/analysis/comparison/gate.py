"""A gate between two runs: it fails if a cell is surely slower than allowed, or no longer ok.

A cell is surely slower than allowed if its whole 95 % interval lies below 1 - limit and the
one-sided test for that is still significant after Holm's correction for all tested cells. If no
cell is slower by more than the limit, at most 5 % of gates fail by chance, however many cells there
are. This covers chance within the runs, but not a cause that slows a whole run: see
`run_comparison`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bench.analysis.comparison.cell_pairs import CellPair
from bench.analysis.comparison.run_comparison import Comparison
from bench.analysis.comparison.run_differences import KINDS
from bench.analysis.intervals import CONFIDENCE, Interval, chance_below
from bench.analysis.multiple_comparisons import holm
from bench.core.errors import UsageError
from bench.core.record import Cell

GateOutcome = Literal["holds", "not sure", "slower", "fails", "not checked"]
ALLOWABLE = (*KINDS, "missing", "all")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The gate's judgement of one pair of cells.

    A cell `holds` where its interval rules out a slowdown beyond the limit, and is `not sure`
    where a slowdown is neither found nor ruled out. A cell that is `slower` is surely slower, but
    not surely by more than the limit.
    """

    pair: CellPair
    outcome: GateOutcome
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gate's limit, a fraction of 1, and its judgements, in the order of the pairs."""

    limit: float
    judgements: tuple[Judgement, ...]

    def of(self, outcome: GateOutcome) -> list[Judgement]:
        """The judgements with this outcome."""
        return [judgement for judgement in self.judgements if judgement.outcome == outcome]

    @property
    def passed(self) -> bool:
        """Whether no cell fails."""
        return not self.of("fails")


def limit_text(limit: float) -> str:
    """A limit as people write it: 5%, 2.5%."""
    return f"{limit * 100:g}%"


def check_limit(limit: float) -> None:
    """Raises UsageError for a limit outside of 0 to 1."""
    if not 0 <= limit < 1:
        raise UsageError(f"--fail-on must be at least 0% and below 100%, not {limit:.0%}")


def check_allowed(allowed: Collection[str]) -> None:
    """Raises UsageError for an unknown kind of difference."""
    for word in allowed:
        if word not in ALLOWABLE:
            raise UsageError(f"--allow {word!r} is unknown; there are: {', '.join(ALLOWABLE)}")


def judge(comparison: Comparison, *, limit: float, allowed: Collection[str] = ()) -> Gate:
    """Check every pair against a limit such as 0.05; `allowed` are words of `ALLOWABLE`.

    A cell fails if it is surely slower than the limit allows, if it is ok in A but not in B, and if
    it is ok in A but missing in B, unless `missing` is allowed. Raises UsageError if the runs
    differ in what is not allowed, if both are the same run, and if no cell can be tested, because
    such a gate would always pass.
    """
    check_limit(limit)
    check_allowed(allowed)
    _refuse(comparison, allowed)
    compared = comparison.compared
    surely_slower = _surely_below(compared, 1 - limit)
    missing_allowed = bool({"missing", "all"} & set(allowed))
    judgements = [
        _judgement(pair, limit, surely_slower, missing_allowed, tested=len(compared))
        for pair in comparison.pairs
    ]
    gate = Gate(limit=limit, judgements=tuple(judgements))
    if gate.passed and not compared:
        raise UsageError(
            "the gate cannot test any cell: it needs cells that are ok in both runs, do the same "
            "work, and have at least 2 repeats in each"
        )
    return gate


def _refuse(comparison: Comparison, allowed: Collection[str]) -> None:
    if comparison.a.run.folder.resolve() == comparison.b.run.folder.resolve():
        raise UsageError(
            f"--fail-on: A and B are the same run, {comparison.a.run.folder}: nothing can fail"
        )
    refused = [
        difference
        for difference in comparison.differences
        if not {difference.kind, "all"} & set(allowed)
    ]
    if refused:
        what = "; ".join(map(str, refused))
        options = " ".join(f"--allow {difference.kind}" for difference in refused)
        raise UsageError(f"--fail-on: A and B differ in more than pace: {what} (allow: {options})")


def _surely_below(pairs: list[CellPair], bound: float) -> set[Cell]:
    """The cells whose ratio is surely below `bound`, by its interval and Holm's correction."""
    p_values = []
    for pair in pairs:
        assert pair.a and pair.b
        p_value = chance_below(pair.b.throughputs.values(), pair.a.throughputs.values(), bound)
        assert p_value is not None
        p_values.append(p_value)
    significant = holm(p_values, 1 - CONFIDENCE)
    return {
        pair.cell
        for pair, sure in zip(pairs, significant, strict=True)
        if sure and pair.ratio and pair.ratio.high < bound
    }


def _judgement(
    pair: CellPair, limit: float, surely_slower: set[Cell], missing_allowed: bool, *, tested: int
) -> Judgement:
    was_ok = pair.a is not None and pair.a.ok
    if pair.a and not pair.b:
        fails = was_ok and not missing_allowed
        why = "missing in B" if was_ok else pair.reason
        return Judgement(pair=pair, outcome="fails" if fails else "not checked", why=why)
    if pair.b and not pair.b.ok and was_ok:
        return Judgement(pair=pair, outcome="fails", why=f"ok in A, {pair.reason}")
    if not (pair.ratio and pair.ratio.known):
        single = "a single repeat does not show how much the pace varies"
        why = single if pair.verdict == "not known" else pair.reason or pair.verdict
        return Judgement(pair=pair, outcome="not checked", why=why)
    if pair.cell in surely_slower:
        return Judgement(
            pair=pair, outcome="fails", why=f"surely slower by more than {limit_text(limit)}"
        )
    if pair.verdict == "slower":
        return Judgement(pair=pair, outcome="slower", why=_not_by_more(pair.ratio, limit, tested))
    return Judgement(pair=pair, outcome="holds" if pair.ratio.low >= 1 - limit else "not sure")


def _not_by_more(ratio: Interval, limit: float, tested: int) -> str:
    """Why a cell that is surely slower is not surely slower by more than the limit."""
    if ratio.high >= 1 - limit:
        return f"slower, but not surely by more than {limit_text(limit)}"
    return (
        f"slower by more than {limit_text(limit)} by its own interval, but not after Holm's "
        f"correction: of {tested} cells that are tested, some look so by chance"
    )
