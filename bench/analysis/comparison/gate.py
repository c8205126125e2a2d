"""A gate between two runs: it fails where a cell became surely slower than is allowed, or broke.

A cell fails where its whole 95 % interval lies below 1 - limit, and where it still does so by
Holm's correction of one-sided tests over all cells that were checked. So of pairs of runs in which
no cell is slower by more than the limit, at most 5 % fail by chance, however many cells there are.
What moves a whole run is no chance in this sense: see `bench.analysis.comparison.cell_pairs`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bench.analysis.comparison.cell_pairs import Comparison, Row
from bench.analysis.comparison.run_differences import KINDS
from bench.analysis.intervals import CONFIDENCE, Interval, chance_below, holm
from bench.core.errors import UsageError
from bench.core.record import Cell

Outcome = Literal["holds", "not sure", "slower", "fails", "not checked"]
ALLOWABLE = (*KINDS, "missing", "all")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the gate says of one row.

    It `holds` where a slow-down beyond the limit is ruled out by its interval, and is `not sure`
    where it is neither found nor ruled out; `slower` is surely slower, but not surely by so much.
    """

    row: Row
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gate's limit, a fraction of 1, and its judgement of every row, in the order of the rows."""

    limit: float
    judgements: tuple[Judgement, ...]

    def of(self, outcome: Outcome) -> list[Judgement]:
        """The judgements that came out so."""
        return [one for one in self.judgements if one.outcome == outcome]

    @property
    def passed(self) -> bool:
        """Whether no cell fails."""
        return not self.of("fails")


def limit_text(limit: float) -> str:
    """A limit as it is written: 5%, 2.5%."""
    return f"{limit * 100:g}%"


def check_limit(limit: float) -> None:
    """Raises UsageError for a limit that no ratio could be below."""
    if not 0 <= limit < 1:
        raise UsageError(f"--fail-on must be at least 0% and below 100%, not {limit:.0%}")


def check_allowed(allowed: Collection[str]) -> None:
    """Raises UsageError for a word that allows nothing."""
    for word in allowed:
        if word not in ALLOWABLE:
            raise UsageError(f"--allow {word!r} allows nothing; there are: {', '.join(ALLOWABLE)}")


def judge(comparison: Comparison, *, limit: float, allowed: Collection[str] = ()) -> Gate:
    """Hold every row against a limit such as 0.05; `allowed` are words of ALLOWABLE.

    Fails are: slower than the limit for sure; ok in A and not in B; ok in A and missing in B,
    unless `missing` is allowed. Raises UsageError where the two runs differ in what is not allowed,
    where they are one, and where nothing can be told of any cell: such a gate would always pass.
    """
    check_limit(limit)
    check_allowed(allowed)
    _refuse(comparison, allowed)
    compared = comparison.compared
    surely = _surely_below(compared, 1 - limit)
    missing_allowed = bool({"missing", "all"} & set(allowed))
    gate = Gate(
        limit=limit,
        judgements=tuple(
            _judgement(row, limit, surely, missing_allowed, tested=len(compared))
            for row in comparison.rows
        ),
    )
    if gate.passed and not compared:
        raise UsageError(
            "the gate can check no cell: it takes cells that are ok in both runs, do the same "
            "work, and have 2 repeats or more in each"
        )
    return gate


def _refuse(comparison: Comparison, allowed: Collection[str]) -> None:
    if comparison.a.folder.resolve() == comparison.b.folder.resolve():
        raise UsageError(f"--fail-on: A and B are one run, {comparison.a.folder}: nothing can fail")
    refused = [one for one in comparison.differences if not {one.kind, "all"} & set(allowed)]
    if refused:
        what = "; ".join(map(str, refused))
        options = " ".join(f"--allow {one.kind}" for one in refused)
        raise UsageError(f"--fail-on: A and B differ in more than pace: {what} (allow: {options})")


def _surely_below(rows: list[Row], bound: float) -> set[Cell]:
    """The cells that are surely below: each by itself, and corrected for how many they are."""
    chances = []
    for row in rows:
        assert row.a and row.b
        chance = chance_below(row.b.throughputs.values(), row.a.throughputs.values(), bound)
        assert chance is not None
        chances.append(chance)
    held = holm(chances, 1 - CONFIDENCE)
    found = zip(rows, held, strict=True)
    return {row.cell for row, sure in found if sure and row.ratio and row.ratio.high < bound}


def _judgement(
    row: Row, limit: float, surely: set[Cell], missing_allowed: bool, *, tested: int
) -> Judgement:
    was_ok = row.a is not None and row.a.status == "ok"
    if row.a and not row.b:
        fails = was_ok and not missing_allowed
        why = "missing in B" if was_ok else row.reason
        return Judgement(row=row, outcome="fails" if fails else "not checked", why=why)
    if row.b and row.b.status != "ok" and was_ok:
        return Judgement(row=row, outcome="fails", why=f"ok in A, {row.reason}")
    if not (row.ratio and row.ratio.known):
        single = "one repeat tells nothing of how much it varies"
        why = single if row.verdict == "not known" else row.reason or row.verdict
        return Judgement(row=row, outcome="not checked", why=why)
    if row.cell in surely:
        return Judgement(
            row=row, outcome="fails", why=f"surely slower by more than {limit_text(limit)}"
        )
    if row.verdict == "slower":
        return Judgement(row=row, outcome="slower", why=_not_by_more(row.ratio, limit, tested))
    return Judgement(row=row, outcome="holds" if row.ratio.low >= 1 - limit else "not sure")


def _not_by_more(ratio: Interval, limit: float, tested: int) -> str:
    """Why a cell that is surely slower is not surely slower by more than the limit."""
    if ratio.high >= 1 - limit:
        return f"slower, but not surely by more than {limit_text(limit)}"
    return (
        f"slower by more than {limit_text(limit)} by its own interval, but of {tested} cells that "
        "are tested some look so by chance, and Holm's correction does not bear it out"
    )
