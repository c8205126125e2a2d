"""Tables as people read them, and as programs do."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import tasks
from bench.analysis.results import Results
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.snapshot_taking import of_proofs
from bench.report.common.text import count_text, interval_text, per_cent, ratio_text
from bench.report.proof import proof_forms
from bench.report.run import run_forms
from bench.report.run.literature import PUBLISHED
from bench.report.run.tables import HEADINGS, TaskTable, metric_line, task_tables
from tests.test_compare import broken, disturbed
from tests.test_peak import RATES
from tests.test_stats import RECORDS, with_pace

QUICK = catalogue.TREE / "results" / "quick-epyc-2cpu"


def run_of(records: list[Record]) -> run_folder.Run:
    info: dict[str, Any] = {**run_folder.read(QUICK).info, "certificates": []}
    return run_folder.Run(folder=Path("r"), info=info, records=records)


def tables(records: list[Record]) -> list[TaskTable]:
    return task_tables(Results.of(run_of(records)))


def markdown(run: run_folder.Run) -> str:
    return run_forms.to_markdown(Results.of(run))


def column(table: TaskTable, name: str) -> list[str]:
    return [row.texts[HEADINGS.index(name)] for row in table.rows]


def test_a_table_shows_ranks_and_intervals() -> None:
    (table,) = tables(RECORDS)
    assert column(table, "framework") == ["a", "c", "b", "d"]
    assert column(table, "rank") == ["1", "2-3", "2-3", "4"]
    relative = column(table, "relative, % (95 % interval)")
    assert relative[0] == "100" and relative[3] == "50 (49–51)"
    assert column(table, "samples/s (95 % interval)")[0] == "~100"
    assert table.notes[-1].startswith("~ before a figure: ")


def test_a_single_repeat_shows_no_interval_and_no_rank() -> None:
    (table,) = tables([record for record in RECORDS if record.job.block == 0])
    assert column(table, "rank") == [""] * 4
    assert column(table, "samples/s (95 % interval)") == ["1,000", "901", "900", "500"]
    assert column(table, "relative, % (95 % interval)") == ["100", "90", "90", "50"]


def test_a_table_holds_what_can_be_compared() -> None:
    odd = [
        with_pace("a", block, 10, **conditions)
        for conditions in ({"precision": "float64"}, {"feed": "device"}, {"threads": 1})
        for block in (0, 1)
    ]
    all_tables = tables([*RECORDS, *odd])
    places = [table.caption.split(" — ")[1] for table in all_tables]
    assert places == [
        "cpu, 1 thread",
        "cpu, 2 threads, batches staged ahead",
        "cpu, 2 threads",
        "cpu, 2 threads, float64",
    ]
    assert [len(table.rows) for table in all_tables] == [1, 1, 4, 1]


def test_paces_of_quiet_blocks_are_told_only_where_blocks_were_disturbed() -> None:
    def repeats(records: list[Record]) -> str:
        (table,) = tables(records)
        return table.caption.split("examples, ")[1]

    first = [record for record in RECORDS if record.job.block == 0]
    later = [record for record in RECORDS if record.job.block]
    assert repeats(RECORDS) == "3 repeats"
    assert repeats([*map(broken, RECORDS)]) == "3 repeats"
    assert repeats([*map(broken, first), *later]) == "3 repeats"
    assert repeats([disturbed(first[0]), *first[1:], *later]) == (
        "3 repeats, paces of the 2 that nothing disturbed"
    )
    # too few quiet blocks, so that all count
    assert repeats([*first, *map(disturbed, later)]) == "3 repeats"


def test_gains_of_a_gpu_and_a_precision_are_noted_below_their_tables() -> None:
    all_tables = tables(
        [
            with_pace("a", block, pace, **conditions)
            for paces, conditions in (
                ((100, 101, 102), {}),
                ((1000, 1010, 1021), {"device": "cuda"}),
                ((1500, 1512, 1533), {"device": "cuda", "precision": "bf16"}),
            )
            for block, pace in enumerate(paces)
        ]
    )
    by_place = {table.caption.split(" — ")[1]: table.notes for table in all_tables}
    assert by_place["cpu, 2 threads"] == ()
    (gpu,), (reduced,) = by_place["cuda"], by_place["cuda, bf16"]
    assert gpu.endswith("eager: 10.00 (9.99–10.02) times as fast as on the CPU")
    assert reduced.endswith("1.50 (1.49–1.51) times as fast as in float32, accuracy +0.0%")


def test_published_times_are_noted_below_their_task() -> None:
    paces = enumerate((99, 100, 101))
    records = [with_pace("pytorch", block, pace, task="cifar-vgg") for block, pace in paces]
    (table,) = tables(records)
    measured, published = table.notes
    assert measured.startswith("the whole recipe, 500,000 training samples, at these paces: ")
    assert measured.endswith("PyTorch eager 83 min 20 s")
    assert "in 2018, on a K80 and a P100: PyTorch 169 s and 51 s; " in published
    failed = [replace(record, status="failed", measurement=None) for record in records]
    assert [table.notes for table in tables(failed)] == [(published,)]


def test_paces_on_texts_of_another_length_are_not_compared_with_published_times() -> None:
    record = with_pace("pytorch", 0, 100, task="imdb-gru")
    assert len(list(tables([record])[0].notes)) == 2
    budget = replace(record.job.budget, length=50)
    short = replace(record, job=replace(record.job, budget=budget))
    assert tables([short])[0].notes == ()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_times_are_of_the_task_s_own_recipe(name: str) -> None:
    task, published = tasks.load(name), PUBLISHED[name]
    of_set = {"cifar10": 50_000, "imdb": 25_000}[task.dataset]
    assert published.examples == task.presets["full"].epochs * of_set
    assert published.length == task.length
    assert all(len(each) == len(published.devices) for each in published.seconds.values())


def test_the_csv_has_ends_of_intervals() -> None:
    rows = list(csv.DictReader(io.StringIO(run_forms.to_csv(Results.of(run_of(RECORDS))))))
    assert [row["rank"] for row in rows] == ["1", "2-3", "2-3", "4"]
    for row in rows:
        for name in ("relative", "samples_per_second"):
            low, middle, high = (float(row[f"{name}{end}"]) for end in ("_low", "", "_high"))
            assert low <= middle <= high


@pytest.mark.parametrize(
    ("width", "hidden"),
    [
        (80, "of peak, import, build, first step, memory"),
        (100, "of peak, import, build"),
        (120, "of peak"),
        (144, ""),
    ],
)
def test_nothing_is_cut_in_a_terminal_and_120_columns_take_a_line_a_row(
    width: int, hidden: str
) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    run = run_folder.read(QUICK)
    run.info["rates"] = [rates.to_fields() for rates in RATES]
    results = Results.of(run)
    console.print(run_forms.to_terminal(results, width=width))
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    gone = {HEADINGS.index(name) for name in hidden.split(", ") if name}
    shown = [
        [cell for index, cell in enumerate(row.texts) if index not in gone and cell]
        for table in task_tables(results)
        for row in table.rows
    ]
    lines = [
        [cell.strip() for cell in line.split("│") if cell.strip()]
        for line in text.splitlines()
        if "│" in line
    ]
    assert len(shown) == 12 and (lines == shown) == (width >= 120)
    for part in (part for row in shown for cell in row for part in cell.split(" (")):
        assert part in text  # a figure, with its interval beside or below it
    flat = " ".join(text.split())
    assert (f"no room for: {hidden} (--format markdown has all)" in flat) == bool(hidden)
    # a caption is as wide as the terminal, not as its table
    longest = max(text.splitlines(), key=lambda line: line.count("—"))
    assert len(longest) > min(width, 100) - 15


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_check_of_a_certificate_is_cut_in_a_terminal(width: int) -> None:
    file = catalogue.TREE / "results" / "certificate.json"
    certificates = [
        certificate
        for certificate in proof_forms.from_json(file.read_text(encoding="utf-8"))
        if certificate.claim.task == "mnist-mlp-dropout"
    ]
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(proof_forms.to_terminal(certificates, of_proofs(certificates), width=width))
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    for certificate in certificates:
        assert catalogue.load(certificate.claim.framework).title in text
        for check in certificate.checks:
            assert check.name.split()[0] in text and f"{check.deviation:.3g}"[0] in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.00"), (0.871, "0.87"), (0.998, "0.998"), (1.0004, "1.0004"), (0.004, "0.004")],
)
def test_a_ratio_never_looks_like_a_tie_that_it_is_not(value: float, text: str) -> None:
    assert ratio_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "100"), (0.871, "87"), (0.998, "99.8"), (1.0004, "100.04"), (0.004, "0.4"), (12, "1200")],
)
def test_a_percentage_never_looks_like_a_tie_that_it_is_not(value: float, text: str) -> None:
    assert per_cent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12,346"),
        (345.6, "346"),
        (34.56, "34.6"),
        (3.456, "3.46"),
        (0.3456, "0.346"),
        (0.5, "0.500"),
        (0.9996, "1.00"),
        (0.0006859, "0.000686"),
        (1.234e-7, "1.23e-07"),
        (0, "0.00"),
    ],
)
def test_a_number_has_three_significant_digits_however_small_it_is(value: float, text: str) -> None:
    assert count_text(value) == text


def test_an_interval_without_ends_is_not_shown() -> None:
    assert interval_text("0.87", "", "") == "0.87"
    assert interval_text("0.87", "0.84", "0.90") == "0.87 (0.84–0.90)"


def test_what_a_run_lacks_is_noted_below_its_tables() -> None:
    """Readers might think that the frameworks in a run are all, or that every run was proved."""
    quick = run_folder.read(QUICK)
    proved, bare = markdown(quick), markdown(run_of(list(quick.records)))
    assert "- identity: 24 of 24 proved" in proved and "NOT PROVED" not in proved
    assert "- identity: NOT PROVED: " in bare
    assert "- not in this run: JAX/Flax\n" in bare
    everyone = [with_pace(name, 0, 100) for name in catalogue.usual()]
    assert "not in this run" not in markdown(run_of(everyone))


@pytest.mark.parametrize(
    ("p_value", "line"),
    [
        (1.0, "Accuracy: no difference found (p > 0.99)"),
        (0.614, "Accuracy: no difference found (p = 0.61)"),
        (0.0004, "Accuracy: they differ by more than seeds explain (p = 0.0004)"),
    ],
)
def test_a_line_says_whether_accuracies_differ(p_value: float, line: str) -> None:
    assert metric_line("accuracy", p_value, cells=4) == line


def test_too_few_repeats_say_nothing_of_accuracies_and_one_cell_needs_no_line() -> None:
    assert metric_line("accuracy", None, cells=2).startswith("Accuracy: too few repeats to tell")
    assert metric_line("accuracy", None, cells=1) == ""


@pytest.mark.parametrize(
    ("seconds", "note"),
    [
        (
            [9.0, 4.0, 2.0, 3.0],
            "the first step took 9.00 s in the first block and 3.00 s in later ones",
        ),
        ([6.0, 3.0, 3.0, 3.0], ""),
        ([3.0, 9.0, 3.0, 3.0], ""),
        ([9.0], ""),
    ],
)
def test_a_first_step_that_falls_after_the_first_block_is_noted(
    seconds: list[float], note: str
) -> None:
    records = []
    for block, first_step in enumerate(seconds):
        record = with_pace("pytorch", block, 100)
        assert record.measurement
        measurement = replace(record.measurement, first_step_seconds=first_step)
        records.append(replace(record, measurement=measurement))
    text = markdown(run_of(records))
    assert note in text and ("the first step took" in text) == bool(note)


def test_memory_sorts_by_what_is_shown() -> None:
    record = with_pace("a", 0, 100, device="cuda")
    assert record.measurement
    used = replace(record.measurement, peak_device_bytes=5_000_000, peak_resident_bytes=9_000_000)
    (table,) = tables([replace(record, measurement=used)])
    (row,) = table.rows
    assert (row.texts[-1], row.sorts[-1]) == ("5 MB", 5_000_000)


def test_accuracies_on_other_data_are_not_compared_with_published_ones() -> None:
    (table,) = tables(RECORDS)
    assert "published" not in table.data_line
    official = {"train": True, "test": False}
    odd = [replace(record, dataset={**record.dataset, "official": official}) for record in RECORDS]
    (table,) = tables(odd)
    assert table.data_line.startswith("data: real, test not official")
    assert table.data_line.endswith("with each other, not with those published elsewhere")
