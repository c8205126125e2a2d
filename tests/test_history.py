"""The history of cells over runs of one machine: points, changes, versions, and every form."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis.history import History, history
from bench.analysis.intervals import unpaired_ratio
from bench.analysis.results import Results
from bench.core.record import Record
from bench.launch import catalogue
from bench.report.history import history_forms
from tests.conftest import Framebench
from tests.test_compare import MACHINE, broken, cell
from tests.test_recommend import results_of

OLD, NEW = (100.0, 101.0, 102.0), (50.0, 51.0, 52.0)


def measured(name: str, day: int, *paces: float, versions: str = "1.0", **info: Any) -> Results:
    records = [replace(r, versions={"torch": versions}) for r in cell("pytorch", *paces)]
    return run_of(name, day, records, **info)


def run_of(name: str, day: int, records: list[Record], **info: Any) -> Results:
    started = f"2026-01-{day:02}T08:00:00+00:00"
    results = results_of(records, **{"machine": MACHINE, "started": started, "name": name, **info})
    return replace(results, run=replace(results.run, folder=Path(name)))


@pytest.fixture(scope="module")
def two_weeks() -> History:
    runs = [
        measured("first", 1, *OLD),
        measured("elsewhere", 4, 1.0, 1.0, machine={**MACHINE, "cpu": "Y"}),
        run_of("failed", 5, [broken(record) for record in cell("pytorch", 1.0, 1.0)]),
        measured("later", 8, *NEW, versions="1.1"),
        measured("last", 9, *NEW, versions="1.1"),
    ]
    return history(runs, MACHINE)


def test_the_points_are_the_runs_of_the_machine_by_age(two_weeks: History) -> None:
    assert two_weeks.runs == ("first", "failed", "later", "last")
    assert two_weeks.others == ("elsewhere",)
    (pytorch,) = two_weeks.cells
    assert [point.run for point in pytorch.points] == ["first", "later", "last"]
    assert [point.versions for point in pytorch.points] == [(), ("torch 1.0 → 1.1",), ()]
    first, later, last = pytorch.points
    assert first.change is None
    assert later.change == unpaired_ratio(NEW, OLD)
    assert last.change == unpaired_ratio(NEW, NEW)
    assert pytorch.overall == unpaired_ratio(NEW, OLD)


def test_texts_of_another_length_are_other_work() -> None:
    def run(name: str, day: int, tokens: int) -> Results:
        every = [
            replace(
                record,
                job=replace(
                    record.job,
                    cell=replace(record.job.cell, task="imdb-lstm"),
                    budget=replace(record.job.budget, length=tokens),
                ),
            )
            for record in cell("pytorch", *OLD)
        ]
        return run_of(name, day, every)

    found = history([run("a", 1, 50), run("b", 2, 80), run("c", 3, 50)], MACHINE)
    points = {each.tokens: [point.run for point in each.points] for each in found.cells}
    assert points == {50: ["a", "c"], 80: ["b"]}
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(history_forms.to_terminal(found, width=160))
    assert "imdb-lstm — cpu, 2 threads, 50 tokens" in console.export_text()


def test_only_named_tasks_and_frameworks(two_weeks: History) -> None:
    runs = [measured("first", 1, *OLD)]
    assert len(history(runs, MACHINE, tasks=["mnist-mlp"], frameworks=["pytorch"]).cells) == 1
    assert not history(runs, MACHINE, tasks=["cifar-cnn"]).cells
    assert not history(runs, MACHINE, frameworks=["jax_flax"]).cells


@pytest.mark.parametrize(
    ("values", "bars"), [([1.0], "█"), ([100.0, 50.0, 1.0], "█▄▁"), ([1.0, 8.0], "▁█")]
)
def test_a_sparkline_begins_at_zero(values: list[float], bars: str) -> None:
    assert history_forms.sparkline(values) == bars


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_says_what_it_has_no_room_for(two_weeks: History, width: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(history_forms.to_terminal(two_weeks, width=width))
    text = console.export_text()
    assert "█▄▄" in text and "torch 1.0 → 1.1" in text and "elsewhere" in text
    assert max(map(len, text.splitlines())) <= width
    for heading in ("versions", "samples/s"):
        assert heading in text


def test_programs_get_every_point(two_weeks: History) -> None:
    rows = list(csv.DictReader(io.StringIO(history_forms.to_csv(two_weeks))))
    assert [row["run"] for row in rows] == ["first", "later", "last"]
    assert float(rows[1]["change"]) == pytest.approx(unpaired_ratio(NEW, OLD).estimate)
    assert rows[1]["versions_changed"] == "torch 1.0 → 1.1" and rows[0]["change"] == ""
    fields = json.loads(history_forms.to_json(two_weeks))
    assert fields["left_out"] == ["elsewhere"]
    assert [point["run"] for point in fields["points"]] == ["first", "later", "last"]


def test_programs_get_no_ends_of_an_unknown_interval() -> None:
    found = history([measured("first", 1, 100.0), measured("later", 8, 50.0)], MACHINE)
    rows = list(csv.DictReader(io.StringIO(history_forms.to_csv(found))))
    points = json.loads(history_forms.to_json(found))["points"]
    ends = ("low", "high", "change_low", "change_high")
    assert [row[end] for row in rows for end in ends] == [""] * 8
    assert [point[end] for point in points for end in ends] == [None] * 8
    assert [row["samples_per_second"] for row in rows] == ["100", "50"]
    assert [row["change"] for row in rows] == ["", "0.5"]


def test_a_single_run_is_one_run(two_weeks: History) -> None:
    single = history([measured("first", 1, *OLD)], MACHINE)
    assert next(history_forms.notes(single)) == "1 run of this machine: first"
    assert next(history_forms.notes(two_weeks)) == (
        "4 runs of this machine, oldest first: first, failed, later, last"
    )


def test_the_page_has_a_chart_for_each_task(two_weeks: History) -> None:
    page = history_forms.to_page(two_weeks, ["pytorch"])
    assert page.count('<div class="chart"') == 1
    specs = json.loads(page.split('id="charts">')[1].split("</script>")[0])
    (trace,) = specs[0]["data"]
    assert trace["marker"]["symbol"] == ["circle", "star", "circle"]
    assert len(trace["x"]) == len(trace["error_y"]["array"]) == 3


@pytest.mark.frameworks
def test_the_command(framebench: Framebench) -> None:
    results = ("--results", str(catalogue.TREE / "results"))
    table = framebench("history", "standard-epyc-2cpu", "-t", "mnist-mlp", *results).stdout
    assert "mnist-mlp — cpu, 2 threads" in table and "standard-h100" in table
    rows = framebench("history", "standard-epyc-2cpu", "--format", "csv", *results).stdout
    assert rows.startswith("task,tokens,framework") and rows.count("\n") > 20
    for name, mistyped in (("-t", "mnist-mpl"), ("-f", "pytorhc")):
        asked = ("-t", "mnist-mlp", "-f", "pytorch", name, mistyped)
        refused = framebench("history", "standard-epyc-2cpu", *asked, *results, expect=2).stderr
        kind = {"-t": "task", "-f": "framework"}[name]
        assert f"no {kind} of this machine's runs is called '{mistyped}'" in refused


@pytest.mark.parametrize("file", ["run.json", "records.jsonl"])
def test_a_run_that_cannot_be_read_is_left_out(
    file: str, framebench: Framebench, tmp_path: Path
) -> None:
    for name in ("bad", "good"):
        shutil.copytree(catalogue.TREE / "results" / "quick-epyc-2cpu", tmp_path / "results" / name)
    broken_file = tmp_path / "results" / "bad" / file
    broken_file.unlink()
    os.mkfifo(broken_file)  # what root cannot read either
    done = framebench("history", "results/good", "-t", "mnist-mlp")
    assert "mnist-mlp" in done.stdout
    assert done.stderr.startswith("left out: ") and f"bad/{file}" in done.stderr
