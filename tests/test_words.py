"""The verdict in words says no more than the intervals do."""

from __future__ import annotations

from bench.core.record import Record
from bench.report import words
from bench.stats import CellSummary, summarize
from tests.test_stats import RECORDS


def verdict(records: list[Record]) -> str:
    (group,) = words.by_conditions(summarize(records)).values()
    return words.sentence(group)


def of(*frameworks: str) -> list[Record]:
    return [record for record in RECORDS if record.job.cell.framework in frameworks]


def groups(records: list[Record]) -> dict[tuple[object, ...], list[CellSummary]]:
    return words.by_conditions(summarize(records))


def test_the_fastest_is_set_beside_each_of_the_others() -> None:
    said = verdict(RECORDS)
    assert said.startswith("a trains 1.11 times (")
    assert "as fast as c" in said and "and 1.99 times (1.97 to 2.02) as fast as d" in said
    assert said.endswith("; b is tied with c.")


def test_ties_are_said() -> None:
    assert verdict(of("b", "c")) == "c and b are tied."
    assert verdict(of("b", "c", "d")).startswith("c and b are tied; c trains ")


def test_one_repeat_tells_no_interval() -> None:
    said = verdict([record for record in of("a", "d") if record.job.block == 0])
    assert said.startswith("a trained 2.00 times as fast as d; with so few repeats")
    assert "tied" not in said and "(" not in said


def test_one_cell_alone_wins_nothing() -> None:
    assert verdict(of("a")).startswith("only a was measured: ")


def test_who_leads_over_all() -> None:
    alone = groups(RECORDS)
    assert words.overall(alone) == ""  # one table says so itself
    (first,), (second,) = alone.values(), groups(of("b", "c", "d")).values()
    both = {("one",): first, ("two",): second, ("alone",): [first[0]]}
    said = words.overall(both)
    assert said.startswith("fastest, or tied with the fastest, of 2 comparisons: ")
    assert all(f"{framework} in 1" in said for framework in "abc") and "d in" not in said


def test_modes_are_named_where_a_framework_has_several() -> None:
    cells = [record.job.cell for record in RECORDS]
    assert set(words.labels(cells).values()) == {"a", "b", "c", "d"}
