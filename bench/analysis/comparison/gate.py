"""A gate between two runs: it fails if a cell is surely slower than allowed, or no longer ok.

It passes only if every cell of the base is shown to hold. Otherwise it is undecided: chance could
hide a slowdown beyond the limit, or a cell could not be tested.

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
from bench.analysis.intervals import CONFIDENCE, Interval, chance_below, values_to_exclude
from bench.analysis.multiple_comparisons import holm
from bench.core.errors import UsageError
from bench.core.record import Cell

GateOutcome = Literal["passed", "failed", "undecided"]
CellOutcome = Literal["holds", "slower", "not sure", "fails", "not checked", "new", "left out"]
ALLOWABLE = (*KINDS, "contention", "missing", "all")
# More blocks than anybody would add are not counted.
MOST_BLOCKS = 100


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The gate's judgement of one pair of cells.

    A cell `holds` where its interval rules out a slowdown beyond the limit; it is `slower` if it is
    surely slower all the same. It is `not sure` where a slowdown beyond the limit is neither found
    nor ruled out; about `more_blocks` in each run would tell, None if too many. A cell that A lacks
    is `new`, and one that B may lack is `left out`.
    """

    pair: CellPair
    outcome: CellOutcome
    why: str = ""
    more_blocks: int | None = None


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gate's limit, a fraction of 1, and its judgements, in the order of the pairs."""

    limit: float
    judgements: tuple[Judgement, ...]

    def of(self, outcome: CellOutcome) -> list[Judgement]:
        """The judgements with this outcome."""
        return [judgement for judgement in self.judgements if judgement.outcome == outcome]

    @property
    def outcome(self) -> GateOutcome:
        """Failed if any cell fails, and undecided if not every other one is shown to hold."""
        if self.of("fails"):
            return "failed"
        return "undecided" if self.of("not sure") or self.of("not checked") else "passed"

    @property
    def more_blocks(self) -> int | None:
        """About how many more blocks in each run would decide it; None if too many, or if none."""
        needed = [judgement.more_blocks for judgement in self.of("not sure")]
        known = [blocks for blocks in needed if blocks is not None]
        return max(known) if known and len(known) == len(needed) else None


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
    differ in what is not allowed, if other processes disturbed most of one, if both are the same
    run, and if no cell can be tested, because such a gate could never fail.
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
    if gate.outcome != "failed" and not compared:
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
    if not {"contention", "all"} & set(allowed):
        for name, side in (("A", comparison.a), ("B", comparison.b)):
            if side.cleanness.mostly_contended:
                raise UsageError(
                    f"--fail-on: {name} was disturbed: {side.cleanness}; measure it again with "
                    "less running beside it (allow: --allow contention)"
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
    if not (pair.a and pair.b):
        return _one_sided(pair, missing_allowed)
    if pair.a.ok and not pair.b.ok:
        return Judgement(pair=pair, outcome="fails", why=f"ok in A, {pair.reason}")
    if not (pair.ratio and pair.ratio.known):
        single = "a single repeat does not show how much the pace varies"
        why = single if pair.verdict == "not known" else pair.reason or pair.verdict
        return Judgement(pair=pair, outcome="not checked", why=why)
    if pair.cell in surely_slower:
        return Judgement(
            pair=pair, outcome="fails", why=f"surely slower by more than {limit_text(limit)}"
        )
    return _by_interval(pair, pair.ratio, limit, tested)


def _one_sided(pair: CellPair, missing_allowed: bool) -> Judgement:
    """The judgement of a cell that only one of the runs has."""
    if pair.b:
        return Judgement(pair=pair, outcome="new", why=pair.reason or pair.verdict)
    if missing_allowed:
        return Judgement(pair=pair, outcome="left out", why="missing in B, as allowed")
    if pair.a and pair.a.ok:
        return Judgement(pair=pair, outcome="fails", why="missing in B")
    return Judgement(pair=pair, outcome="not checked", why=pair.reason)


def _by_interval(pair: CellPair, ratio: Interval, limit: float, tested: int) -> Judgement:
    """The judgement of a tested cell that is not surely slower than the limit allows."""
    bound, limit_words = 1 - limit, limit_text(limit)
    if ratio.low >= bound:
        if pair.verdict == "slower":
            why = f"surely slower, but by less than {limit_words}"
            return Judgement(pair=pair, outcome="slower", why=why)
        return Judgement(pair=pair, outcome="holds")
    why = f"can't be told yet whether it is slower by more than {limit_words}"
    if ratio.high < bound:
        why = (
            f"slower by more than {limit_words} by its own interval, but not after Holm's "
            f"correction: of {tested} cells that are tested, some look so by chance"
        )
    assert pair.a and pair.b
    more_blocks = values_to_exclude(
        pair.b.throughputs.values(), pair.a.throughputs.values(), bound, most=MOST_BLOCKS
    )
    return Judgement(pair=pair, outcome="not sure", why=why, more_blocks=more_blocks)
