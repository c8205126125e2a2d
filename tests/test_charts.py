"""Charts of a run: each shows what was measured, and says what a point under the pointer is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.analysis.results import Results
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.report.common.plotting import LONGEST_LABEL, Chart, ChartedTable, Marks
from bench.report.run.charts import charts
from tests.test_compare import broken
from tests.test_stats import with_pace
from tests.test_tables import run_of

PUBLISHED = catalogue.TREE / "results" / "standard-epyc-2cpu"


def with_energy(record: Record, *, cpu: float, gpu: float | None = None) -> Record:
    """As on a machine that counts the energy of its processors, in joules for each sample."""
    assert record.measurement
    samples = record.batch * sum(record.measurement.windows.steps)
    counted = replace(
        record.measurement,
        joules=cpu * samples,
        device_joules=None if gpu is None else gpu * samples,
    )
    return replace(record, measurement=counted)


@pytest.fixture(scope="module")
def run() -> Run:
    read = run_folder.read(PUBLISHED)
    few = [record for record in read.records if record.job.cell.task in ("mnist-mlp", "imdb-lstm")]
    return replace(read, records=few)


def drawn(run: Run) -> Iterator[tuple[ChartedTable, dict[str, Chart]]]:
    results = Results.of(run)
    for table in results.tables:
        charted = ChartedTable.of(table, results.snapshot)
        yield charted, {chart.title: chart for chart in charts(charted)}


def test_whatever_is_drawn_names_its_cell_and_its_unit(run: Run) -> None:
    units = {
        "Throughput": "samples/s",
        "Pace, window by window": "samples/s",
        "Accuracy": "%",
        "Evaluation": "samples/s",
        "Speed against memory": "MB",
        "Test accuracy against seconds": "training seconds",
        "Training loss against steps": "steps",
    }
    for charted, by_title in drawn(run):
        assert units.keys() <= by_title.keys()
        for title, chart in by_title.items():
            texts = [
                " ".join([trace["hovertemplate"], *trace.get("hovertext", [])])
                for trace in chart.spec["data"]
                if trace.get("hoverinfo") != "skip"
            ]
            assert texts
            for text in texts:
                assert text.split("<extra>")[0] and "<extra></extra>" in text
                assert any(label in text for label in charted.labels.values())
                assert units.get(title, "") in text


def test_intervals_are_in_the_text_of_a_throughput(run: Run) -> None:
    for charted, by_title in drawn(run):
        texts = [trace["hovertemplate"] for trace in by_title["Throughput"].spec["data"]]
        large = [text for text in texts if " to " in text]
        assert len(large) == len(charted.table.ok)


def test_no_energy_is_shown_where_the_machine_counts_none(run: Run) -> None:
    for _, by_title in drawn(run):
        assert "Energy for each sample" not in by_title


@pytest.mark.parametrize(
    ("cpu", "gpu", "millijoules", "text"),
    [
        (1.0, None, 1000, "1,000 mJ<br>CPU packages"),
        (2e-6, None, 2e-3, "2.00 µJ<br>CPU packages"),
        (1.0, 2.0, 2000, "2,000 mJ<br>GPU"),
    ],
)
def test_energy_is_shown_where_the_machine_counts_it(
    run: Run, cpu: float, gpu: float | None, millijoules: float, text: str
) -> None:
    records = [with_energy(record, cpu=cpu, gpu=gpu) for record in run.records]
    for charted, by_title in drawn(replace(run, records=records)):
        bars = by_title["Energy for each sample"].spec["data"]
        assert [bar["x"] for bar in bars] == [[pytest.approx(millijoules)]] * len(charted.table.ok)
        assert all(text in bar["hovertemplate"] for bar in bars)


def test_evaluations_have_a_pace(run: Run) -> None:
    for charted, by_title in drawn(run):
        (paces,) = zip(*(bar["x"] for bar in by_title["Evaluation"].spec["data"]), strict=True)
        assert list(paces) == [summary.evaluation for summary in charted.table.ok]


def test_a_framework_keeps_its_colour_beside_variants() -> None:
    alone = Marks(compared=("jax_flax", "mxnet_gluon", "pytorch"))
    variants = ("jax_flax==0.10.1", "keras[tensorflow]")
    beside = Marks(compared=("jax_flax", *variants, "mxnet_gluon", "pytorch"))
    colours = [beside.colour(name) for name in (*alone.compared, *variants)]
    assert colours[:3] == [alone.colour(name) for name in alone.compared]
    assert len(set(colours)) == 5


def test_only_cells_that_are_ok_are_on_the_pareto_front(run: Run) -> None:
    """The fastest of each table crashed once: it keeps its figures, and is no longer ok."""
    fastest = {table.ok[0].cell for table in Results.of(run).tables}
    records = [
        broken(record) if record.job.cell in fastest and record.job.block == 0 else record
        for record in run.records
    ]
    for charted, by_title in drawn(replace(run, records=records)):
        chart = by_title["Speed against memory"]
        front, *cells = chart.spec["data"]
        assert len(cells) == len(charted.summaries) == len(charted.table.ok) + 1
        assert max(front["y"]) == charted.table.ok[0].samples_per_second
        assert "No cell that is ok beats those on the dotted line" in chart.about
    for _, by_title in drawn(run):
        assert "smaller. No cell beats those" in by_title["Speed against memory"].about


def test_without_a_cell_that_is_ok_there_is_no_pareto_front(run: Run) -> None:
    records = [broken(record) if record.job.block == 0 else record for record in run.records]
    for charted, by_title in drawn(replace(run, records=records)):
        chart = by_title["Speed against memory"]
        assert len(chart.spec["data"]) == len(charted.summaries)
        assert "front" not in chart.about


def test_a_cell_that_failed_is_not_said_to_miss_the_target() -> None:
    read = run_folder.read(PUBLISHED.parent / "full-cora-gcn-epyc-2cpu")
    failed = [
        broken(record) if record.job.cell.framework == "pytorch" else record
        for record in read.records
    ]
    for records in (read.records, failed):
        ((_, by_title),) = drawn(replace(read, records=records))
        about = by_title["Time to 78% accuracy"].about
        assert about.endswith(" Not reached in every repeat by MXNet Gluon.")


def test_cells_whose_names_are_cut_alike_keep_a_row_each() -> None:
    long = "a framework with a name that is longer than any label of a chart, "
    paces = {f"{long} first": 100, f"{long} second": 200, "short": 50}
    records = [with_pace(name, block, pace) for name, pace in paces.items() for block in (0, 1)]
    ((charted, by_title),) = drawn(run_of(records))
    labels = [*charted.labels.values()]
    assert [label[:5] for label in labels] == ["1: a ", "2: a ", "3: sh"]
    assert max(map(len, labels)) == LONGEST_LABEL
    rows = [label for trace in by_title["Throughput"].spec["data"] for label in trace["y"]]
    assert {*rows} == {*labels} and len({*rows}) == 3
    few = [record for record in records if "first" not in record.job.cell.framework]
    ((charted, _),) = drawn(run_of(few))
    assert [label[:5] for label in charted.labels.values()] == ["a fra", "short"]
