"""What a run's page says first: trust, advice, verdicts of a few words, and the heat map."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.analysis.results import Results
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.report.run import first_screen
from bench.report.run.first_screen import HeatCell, HeatMap
from tests.test_compare import broken, disturbed
from tests.test_recommend import results_of
from tests.test_stats import with_pace

STANDARD = catalogue.TREE / "results" / "standard-epyc-2cpu"


def measured(task: str = "mnist-mlp", **paces: list[float]) -> list[Record]:
    return [
        with_pace(name, block, pace, task=task)
        for name, values in paces.items()
        for block, pace in enumerate(values)
    ]


def only_map(results: Results) -> HeatMap:
    (found,) = first_screen.heat_maps(results, [f"t{n}" for n in range(len(results.tables))])
    return found


def cells_of(found: HeatMap, task: str) -> dict[str, HeatCell]:
    """The cells of a task's row, by framework."""
    (row,) = (row for row in found.rows if row.task == task)
    return {column.framework: cell for column, cell in zip(found.columns, row.cells, strict=True)}


FAST, MIDDLE, SLOW = [100.0, 101, 102, 101], [50.0, 50.5, 51, 50.5], [25.0, 25.2, 25.5, 25.2]
# Of the paces of frameworks: the verdict in a few words.
BRIEFS = {
    "a strict order": ({"a": FAST, "b": MIDDLE, "c": SLOW}, "a, 2.00 times; then b"),
    "then a tie": ({"a": FAST, "b": MIDDLE, "c": MIDDLE}, "a, 2.00 times; then a tie"),
    "two in front": ({"a": FAST, "b": FAST, "c": SLOW}, "a = b"),
    "all alike": ({"a": FAST, "b": FAST, "c": FAST}, "all tied"),
    "two alike": ({"a": FAST, "b": FAST}, "tied"),
    "too wide": ({"a": [100.0, 130], "b": [50.0, 55]}, "can't be told yet"),
    "one block": ({"a": [100.0], "b": [50.0]}, "can't be told yet"),
    "a block that not all share": (
        {"a": FAST, "b": SLOW, "c": [50.0]},
        "can't be told yet",
    ),
    "a tie beside a noisy one": (
        {"a": FAST, "b": FAST, "c": [40.0, 95, 160, 90]},
        "a = b; others can't be told yet",
    ),
    "a tie with two that differ": (
        {"a": [96.0, 106, 96, 106], "b": [100.0, 101, 100, 101], "c": [97.0, 98, 97, 98]},
        "a, tied with b or c",
    ),
    "one framework": ({"a": FAST}, "a alone"),
}


@pytest.mark.parametrize("case", BRIEFS)
def test_a_verdict_of_a_few_words(case: str) -> None:
    paces, expected = BRIEFS[case]
    (table,) = results_of(measured(**paces)).tables
    assert first_screen.brief(table, {name: name for name in paces}) == expected


def test_the_map_has_every_framework_on_every_task() -> None:
    records = measured(a=FAST, b=MIDDLE, c=FAST)
    records += measured("mnist-softmax", a=SLOW, b=MIDDLE)
    records += [broken(record) for record in measured("mnist-softmax", c=SLOW)]
    found = only_map(results_of(records))
    means = {column.framework: column for column in found.columns}
    mlp, softmax = (cells_of(found, task) for task in ("mnist-mlp", "mnist-softmax"))
    assert [mlp[name].text for name in "abc"] == ["100 %", "50 %", "100 %"]
    assert [mlp[name].mark for name in "abc"] == ["=", "", "="]
    assert softmax["b"].text == "100 %" and not softmax["b"].mark
    failed = softmax["c"]
    assert (failed.state, failed.shade, failed.text) == ("failed", None, "crashed")
    assert "killed" in failed.about
    assert means["c"].mean is None and means["a"].mean == pytest.approx(0.5**0.5, rel=1e-2)
    assert means["c"].mean_text == "" and means["a"].mean_text == "71 %"
    assert found.columns[-1].framework == "c"  # without a mean


def test_what_may_be_the_fastest_for_want_of_blocks_is_not_called_tied() -> None:
    cells = cells_of(only_map(results_of(measured(a=[100.0, 130], b=[50.0, 55]))), "mnist-mlp")
    assert cells["b"].mark == "?" and "can't be told from the fastest yet" in cells["b"].about


def test_a_mark_is_by_the_fastest_and_the_framework_alone() -> None:
    """Whatever others are: one that is noisy, two that differ, or another mode of its own."""
    noisy = cells_of(
        only_map(results_of(measured(a=FAST, b=FAST, c=[40.0, 95, 160, 90]))), "mnist-mlp"
    )
    assert [noisy[name].mark for name in "abc"] == ["=", "=", "?"]
    apart = {"a": [96.0, 106, 96, 106], "b": [100.0, 101, 100, 101], "c": [97.0, 98, 97, 98]}
    cells = cells_of(only_map(results_of(measured(**apart))), "mnist-mlp")
    assert [cells[name].mark for name in "abc"] == ["=", "=", "="]
    twin = [
        replace(r, job=replace(r.job, cell=replace(r.job.cell, mode="compiled")))
        for r in measured(a=FAST)
    ]
    cells = cells_of(only_map(results_of([*twin, *measured(a=FAST, b=SLOW)])), "mnist-mlp")
    assert [cells[name].mark for name in "ab"] == ["", ""]


def test_a_framework_is_shown_in_its_fastest_mode() -> None:
    slow = [
        replace(r, job=replace(r.job, cell=replace(r.job.cell, mode="compiled")))
        for r in measured(a=SLOW)
    ]
    found = only_map(results_of([*slow, *measured(a=FAST, b=MIDDLE)]))
    cells = cells_of(found, "mnist-mlp")
    assert cells["a"].text == "100 %" and cells["b"].text == "50 %"


def test_an_interval_ends_at_the_fastest() -> None:
    found = only_map(results_of(measured(a=[100.0, 120, 100, 120], b=[110.0, 100, 120, 100])))
    (row,) = found.rows
    for cell in row.cells:
        assert cell.shade is not None and 0 < cell.shade <= 1
        if cell.low is not None and cell.high is not None:
            assert 0 < cell.low <= cell.shade <= cell.high <= 1


def test_a_disturbed_run_is_not_trusted_and_a_short_one_says_so() -> None:
    calm = measured(a=FAST, b=MIDDLE)
    assert first_screen.trust(results_of(calm)) == ""
    busy = [disturbed(record) for record in calm]
    assert first_screen.trust(results_of(busy)).startswith(
        "Do not trust this run: others disturbed"
    )
    two = measured(a=FAST[:2], b=MIDDLE[:2])
    assert first_screen.trust(results_of(two)).startswith("This run is short: 2 blocks tell apart")
    one = measured(a=FAST[:1], b=MIDDLE[:1])
    assert first_screen.trust(results_of(one)).startswith("One block tells nothing")


def test_a_short_run_is_lengthened_as_it_can_be() -> None:
    one, whole = measured(a=FAST[:1], b=MIDDLE[:1]), {"wall_seconds": 1.0}
    for info, command in (
        (whole, "Make it longer: framebench run --add-blocks 4 made"),
        ({}, "Finish it: framebench run --resume made"),
        (
            {**whole, "request": {"shard": {"number": 1, "count": 3}}},
            "Merge it with the other shards: framebench merge",
        ),
    ):
        assert first_screen.trust(results_of(one, **info)).endswith(command)


def test_the_advice_is_that_of_the_balanced_reader() -> None:
    sentence = first_screen.advice(Results.of(run_folder.read(STANDARD)))
    assert sentence.startswith("Without special wishes, take PyTorch: it suits best")
    assert first_screen.advice(results_of(measured(a=FAST))) == ""
    assert first_screen.advice(results_of(measured(a=FAST[:1], b=MIDDLE[:1]))) == ""
