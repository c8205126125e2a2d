"""The verdict in words claims no more than the intervals show."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

from bench.analysis.results import Results, ResultTable, summarize
from bench.core.record import Record
from bench.report.common.text import labels
from bench.report.common.ties import groups as groups_of
from bench.report.run import verdicts
from tests.test_core import accuracy_of
from tests.test_stats import RECORDS, with_pace
from tests.test_tables import run_of


def tables(records: list[Record]) -> tuple[ResultTable, ...]:
    return Results.of(run_of(records)).tables


def verdict(records: list[Record]) -> str:
    (table,) = tables(records)
    return verdicts.sentence(table, run_of(records).snapshot)


def of(*frameworks: str) -> list[Record]:
    return [record for record in RECORDS if record.job.cell.framework in frameworks]


def test_the_fastest_is_compared_with_each_of_the_others() -> None:
    sentence = verdict(RECORDS)
    assert sentence.startswith("a trains 1.11 times (")
    assert "as fast as c" in sentence and "and 1.99 times (1.97 to 2.02) as fast as d" in sentence
    assert sentence.endswith("; c and b are tied.")


def test_ties_are_named() -> None:
    assert verdict(of("b", "c")) == "c and b are tied."
    assert verdict(of("b", "c", "d")).startswith("c and b are tied; c trains ")


def test_overlapping_ties_are_named_with_the_pair_that_differs() -> None:
    """a is tied with b, and b with c, but a is faster than c; d is tied with none."""
    paces = {"a": [100, 102, 101], "b": [80, 101, 120], "c": [95, 97, 96], "d": [5, 5, 5]}
    records = [
        with_pace(name, block, pace)
        for name, values in paces.items()
        for block, pace in enumerate(values)
    ]
    ranks = {summary.cell.framework: summary.rank for summary in summarize(records, accuracy_of)}
    assert ranks == {"a": "1-2", "b": "1-3", "c": "2-3", "d": "4"}
    sentence = verdict(records)
    assert sentence.startswith("a and b are tied; a trains 1.05 times (")
    assert sentence.endswith("; b and c are tied too, though a is faster than c.")
    # without a, no ties overlap
    first = verdict([record for record in records if record.job.cell.framework != "a"])
    assert first.startswith("b and c are tied; b trains ") and "too" not in first


def test_a_tie_that_leaves_twice_the_pace_open_is_no_tie_yet() -> None:
    """With two blocks an interval is so wide that it says little if it includes 1."""
    records = [
        with_pace(name, block, pace)
        for name, values in {"a": [100, 130], "b": [50, 55]}.items()
        for block, pace in enumerate(values)
    ]
    (table,) = tables(records)
    assert [summary.rank for summary in table.summaries] == ["1-2", "1-2"]
    sentence = verdict(records)
    assert sentence.startswith("a and b can't be told apart yet: a trained 2.17 times (0.")
    assert sentence.endswith(" as fast as b.") and "tied" not in sentence
    wild = [with_pace("b", block, pace) for block, pace in enumerate((10, 90))]
    assert verdict([*records[:2], *wild]) == (
        "a and b can't be told apart yet: a trained about 3.80 times as fast as b."
    )


def test_a_ratio_that_is_sure_only_by_itself_makes_no_fastest_cell() -> None:
    """Of three pairs, the clearest needs a p-value of 5 % / 3; here that of a and c has 3.8 %."""
    paces = {"a": [100, 104, 102], "b": [99, 99, 99], "c": [97, 98, 97]}
    records = [
        with_pace(name, block, pace)
        for name, values in paces.items()
        for block, pace in enumerate(values)
    ]
    (table,) = tables(records)
    c = table.ok[-1]
    assert c.relative and not c.relative.includes(1) and c.among_fastest
    assert {summary.rank for summary in table.ok} == {"1-3"}
    assert verdict(records) == (
        "a, b and c can't be told apart yet: a trained 1.05 times (1.01 to 1.09) as fast as c, but "
        "among 3 pairs chance may explain that."
    )
    # of a single pair, the interval is that of the table
    two = [record for record in records if record.job.cell.framework != "b"]
    assert verdict(two) == "a trains 1.05 times (1.01 to 1.09) as fast as c."


def test_a_ratio_that_leaves_several_ties_open_is_stated_once() -> None:
    """b is tied with c and d, and d with e, by the same wide d; b is surely faster than e."""
    paces = {"b": [100, 101, 102], "d": [40, 95, 160], "e": [80, 81, 82]}
    records = [
        with_pace(name, block, pace)
        for name, values in paces.items()
        for block, pace in enumerate(values)
    ]
    sentence = verdict(records)
    assert sentence.count("can't be told apart yet") == 2
    assert sentence.count("trained") == 2 and sentence.count("as fast as d") == 1


def test_leaders_that_differ_are_not_one_tie() -> None:
    """b is tied with both a and c, of which a is faster; b is the fastest by its mean."""
    paces = {"a": [100, 102, 101], "b": [85, 104, 125], "c": [95, 97, 96]}
    records = [
        with_pace(name, block, pace)
        for name, values in paces.items()
        for block, pace in enumerate(values)
    ]
    assert verdict(records) == (
        "b and a are tied; b and c are tied too, though a is faster than c."
    )


def test_each_framework_is_shown_in_its_fastest_mode() -> None:
    slow = [
        with_pace("b", block, pace / 4, mode="compiled") for block, pace in enumerate((900, 89, 9))
    ]
    sentence = verdict([*of("b", "d"), *slow])
    assert sentence.startswith("each in its fastest mode, b eager trains 1.78 times (")
    assert sentence.endswith(" as fast as d.")
    alone = verdict([*of("b"), *slow])
    assert alone.startswith("b eager trains 4.00 times ") and alone.endswith("as b compiled.")


def test_groups_of_ties_are_the_largest_ones() -> None:
    tied = {frozenset(pair) for pair in ("ab", "ac", "bc", "cd", "ef")}
    groups = groups_of("abcdefg", lambda first, second: frozenset((first, second)) in tied)
    assert ["".join(group) for group in groups] == ["abc", "cd", "ef"]


def test_groups_of_ties_are_those_of_all_subsets_and_many_ties_take_no_longer() -> None:
    draws = random.Random(2)
    items = range(8)
    for _ in range(50):
        tied = {frozenset(pair) for pair in combinations(items, 2) if draws.random() < 0.6}
        cliques = [
            set(group)
            for size in range(2, 9)
            for group in combinations(items, size)
            if all(frozenset(pair) in tied for pair in combinations(group, 2))
        ]
        largest = [list(one) for one in cliques if not any(one < other for other in cliques)]
        found = groups_of(
            items, lambda first, second, tied=tied: frozenset((first, second)) in tied
        )
        assert found == sorted(largest)
    (everyone,) = groups_of(range(60), lambda first, second: True)
    assert everyone == [*range(60)]


def test_a_single_repeat_has_no_interval() -> None:
    sentence = verdict([record for record in of("a", "d") if record.job.block == 0])
    assert sentence.startswith("a trained 2.00 times as fast as d; with so few repeats")
    assert "tied" not in sentence and "(" not in sentence


def test_a_single_cell_does_not_win() -> None:
    assert verdict(of("a")).startswith("only a was measured: ")
    other = [replace(record, status="wrong", reason="no") for record in of("b")]
    assert verdict([*of("a"), *other]).startswith("only a is ok: ")
    assert verdict(other) == "no cell is ok."


def test_cells_without_a_common_block_are_not_compared() -> None:
    apart = [with_pace("a", 0, 100), with_pace("b", 1, 50)]
    assert verdict(apart) == "a and b share no block, so that nobody can tell which is faster."


def test_the_summary_over_all_tables() -> None:
    (first,), (second,) = tables(RECORDS), tables(of("b", "c", "d"))
    assert verdicts.overall([first], str) == ""  # a single table has its own verdict
    single = replace(first, summaries=first.summaries[:1])
    twin = [with_pace("a", block, 50 + block, mode="compiled") for block in range(3)]
    (of_one,) = tables([*of("a"), *twin])  # two modes of a framework compare none
    assert verdicts.overall([first, of_one], str) == ""
    assert verdicts.overall([first, second, single], str) == (
        "One framework is clearly the fastest in 1 of 2 comparisons (a on 1). "
        "Fastest, or tied for fastest: a on 1, b on 1, c on 1."
    )


def test_modes_are_named_where_a_framework_has_several() -> None:
    cells = [record.job.cell for record in RECORDS]
    assert set(labels(cells, str).values()) == {"a", "b", "c", "d"}
