"""Comparing two runs: which cells are matched, their ratio, and what else differs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import ttest_ind

from bench.analysis.comparison.cell_pairs import CellPair
from bench.analysis.comparison.run_comparison import Comparison, compare
from bench.analysis.comparison.run_differences import peak_changes
from bench.analysis.intervals import CONFIDENCE, unpaired_ratio
from bench.analysis.results import Results
from bench.analysis.roofline import Peak
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.core.task import Budget
from bench.core.weights import GivenWeights
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.records.snapshot import Caveat
from bench.report.common.text import ratio_text
from bench.report.comparison.comparison_data import to_csv, to_json
from bench.report.comparison.comparison_forms import to_markdown, to_terminal
from bench.report.comparison.comparison_lines import caption, footer
from bench.report.comparison.comparison_page import comparison_page
from tests.conftest import Framebench
from tests.simulation import Noise, throughputs
from tests.test_stats import with_pace

RESULTS = catalogue.TREE / "results"
MACHINE = {"cpu": "X", "cores_usable": 2, "memory_bytes": 16e9, "gpus": [], "python": "3.11.7"}


def results_of(records: Sequence[Record], *, name: str = "r", **info: Any) -> Results:
    fields = {"name": name, "machine": MACHINE, "wall_seconds": 1.0, **info}
    return Results.of(Run(folder=Path(name), info=fields, records=list(records)))


def cell(framework: str, *paces: float, **conditions: Any) -> list[Record]:
    """A cell's repeats at those paces."""
    return [with_pace(framework, block, pace, **conditions) for block, pace in enumerate(paces)]


def both(a: Sequence[Record], b: Sequence[Record]) -> Comparison:
    return compare(results_of(a, name="a"), results_of(b, name="b"))


def only_pair(a: Sequence[Record], b: Sequence[Record]) -> CellPair:
    (pair,) = both(a, b).pairs
    return pair


def broken(record: Record) -> Record:
    return replace(record, status="crashed", reason="killed", measurement=None)


def test_the_ratio_is_that_of_welch_s_test_on_logarithms() -> None:
    old, new = (100.0, 103.0, 98.0), (90.0, 95.0, 91.0, 99.0, 80.0)
    ratio = only_pair(cell("a", *old), cell("a", *new)).ratio
    ends = ttest_ind(np.log(new), np.log(old), equal_var=False).confidence_interval(CONFIDENCE)
    middle = float(np.log(new).mean() - np.log(old).mean())
    assert ratio
    assert (ratio.estimate, ratio.low, ratio.high) == pytest.approx(
        tuple(np.exp([middle, ends.low, ends.high]))
    )


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        ((200, 202, 199), "faster"),
        ((50, 51, 50), "slower"),
        ((101, 99, 102), "tied"),
        ((50,), "not known"),
    ],
)
def test_verdicts(new: tuple[float, ...], verdict: str) -> None:
    a, b = cell("a", 100, 102, 99), cell("a", *new)
    assert only_pair(a, b).verdict == verdict
    other = {"faster": "slower", "slower": "faster"}.get(verdict, verdict)
    assert only_pair(b, a).verdict == other


def test_swapping_the_runs_inverts_the_ratio() -> None:
    a, b = cell("a", 100, 103, 98), cell("a", 90, 95)
    ratio, inverted = only_pair(a, b).ratio, only_pair(b, a).ratio
    assert ratio and inverted
    assert (inverted.estimate, inverted.low, inverted.high) == pytest.approx(
        (1 / ratio.estimate, 1 / ratio.high, 1 / ratio.low)
    )


def test_one_repeat_has_a_ratio_and_no_interval() -> None:
    row = only_pair(cell("a", 100, 100), cell("a", 50))
    assert row.ratio and not row.ratio.known and row.ratio.estimate == pytest.approx(0.5)


def test_values_that_do_not_vary_have_an_interval_without_width() -> None:
    ratio = unpaired_ratio([100, 100], [50, 50, 50])
    assert (ratio.low, ratio.estimate, ratio.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [0.0, 1.0]])
def test_invalid_throughputs_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="positive, finite values"):
        unpaired_ratio(values, [1.0, 2.0])


@pytest.mark.parametrize("repeats", [(3, 3), (5, 5), (3, 5)])
@pytest.mark.parametrize("noises", [(0.02, 0.02), (0.01, 0.03)])
def test_95_of_100_intervals_contain_the_true_value(
    repeats: tuple[int, int], noises: tuple[float, float]
) -> None:
    rng = np.random.default_rng(repeats)
    runs = 4000  # a standard error of 0.35 %
    drawn = [
        throughputs(Noise(process=noise), paces=[pace], blocks=blocks, runs=runs, rng=rng)[:, 0]
        for noise, pace, blocks in zip(noises, (1000, 770), repeats, strict=True)
    ]
    intervals = [
        unpaired_ratio(*values) for values in zip(*(side.tolist() for side in drawn), strict=True)
    ]
    # Welch's interval is conservative for few values
    assert 0.94 < sum(values.includes(1000 / 770) for values in intervals) / runs < 0.98


def test_a_cell_that_is_not_ok_has_a_reason_and_no_ratio() -> None:
    good = cell("a", 100, 101)
    pair = only_pair(good, [good[0], broken(good[1])])
    assert (pair.verdict, pair.ratio, pair.reason) == ("not ok", None, "crashed in B: killed")
    pair = only_pair([broken(record) for record in good], good)
    assert (pair.verdict, pair.reason) == ("not ok", "crashed in A: killed")


def test_a_failure_before_the_data_does_not_count_as_other_training() -> None:
    records = versioned()
    gone = [replace(broken(record), dataset={}, versions={}) for record in records]
    comparison = both(records, gone)
    assert comparison.pairs[0].same_training and not comparison.differences
    assert not only_pair(records, versioned(digest="0123456789")).same_training


def test_a_cell_of_only_one_run_is_a_pair_too() -> None:
    a, b = cell("a", 100, 101), cell("b", 100, 101)
    comparison = both([*a, *b], [*b, *cell("c", 1, 1)])
    assert {pair.cell.framework: pair.verdict for pair in comparison.pairs} == {
        "a": "only in A",
        "b": "tied",
        "c": "only in B",
    }
    assert str(comparison) == (
        "3 cells: 1 tied, 1 only in A, 1 only in B; geometric mean of 1 ratio 1.00"
    )


def test_an_unrecorded_tuning_is_taken_for_expert() -> None:
    old, new = cell("a", 100, 101, tuning="untold"), cell("a", 50, 51)
    comparison = both(old, [*new, *cell("a", 10, 11, tuning="default")])
    assert [pair.verdict for pair in comparison.pairs] == ["only in B", "slower"]
    assert "A does not say which tuning it used; it is taken for expert" in comparison.remarks


@pytest.mark.parametrize(
    ("device", "caption_text"),
    [("cpu", "mnist-mlp — cpu, 1 → 6 threads, bf16"), ("cuda", "mnist-mlp — cuda, bf16")],
)
def test_a_caption_tells_other_threads_only_of_the_cpu(device: str, caption_text: str) -> None:
    """And never takes the digits of a precision for them."""
    one, six = (
        cell("a", 100, 101, device=device, precision="bf16", threads=threads) for threads in (1, 6)
    )
    assert caption(only_pair(one, six)) == caption_text


def test_the_machine_s_peak_is_told_by_threads() -> None:
    peak = Peak(device="cpu", threads=1, matmul=1e9, matmul_by="a", memory=1e9, memory_by="a")
    two = replace(peak, threads=2, matmul=2e9)
    lines = peak_changes(*[{("cpu", 1): peak, ("cpu", 2): two}] * 2)
    assert [line.partition("(")[2].partition(")")[0] for line in lines] == [
        "cpu, 1 thread",
        "cpu, 2 threads",
    ]


def test_cells_on_other_threads_are_matched_where_that_is_unambiguous() -> None:
    two, four, eight = (cell("a", 100, 101, threads=threads) for threads in (2, 4, 8))
    comparison = both(two, four)
    assert [pair.verdict for pair in comparison.pairs] == ["tied"]
    assert [str(difference) for difference in comparison.differences] == ["threads: threads 2 → 4"]
    assert {pair.verdict for pair in both(two, [*four, *eight]).pairs} == {"only in A", "only in B"}
    untold = cell("a", 100, 101, tuning="untold")
    assert [pair.verdict for pair in both(untold, [*two, *four]).pairs] == ["tied", "only in B"]
    assert not both([*two, *four], [*two, *four]).differences


def with_budget(records: Sequence[Record], **budget: Any) -> list[Record]:
    return [replace(record, job=replace(record.job, budget=Budget(**budget))) for record in records]


def test_only_the_pace_is_compared_where_budgets_differ() -> None:
    records = cell("a", 100, 101)
    comparison = both(
        with_budget(records, epochs=1, train_examples=6400), with_budget(records, epochs=5)
    )
    (pair,) = comparison.pairs
    assert (pair.verdict, pair.same_training) == ("tied", False)
    assert [str(difference) for difference in comparison.differences] == [
        "budgets: mnist-mlp epochs 1 → 5; mnist-mlp train examples 6,400 → all"
    ]
    assert "75.00%" in to_markdown(both(records, records), None)
    text = to_markdown(comparison, None)
    assert "75.00%" not in text and "only the pace is compared" in text


def test_longer_texts_and_larger_batches_are_other_work() -> None:
    records = cell("a", 100, 101, task="imdb-lstm")
    recipe = with_budget(records, epochs=1)
    short = with_budget(records, epochs=1, length=50)
    pair = only_pair(recipe, short)
    assert (pair.verdict, pair.ratio) == ("other work", None)
    assert pair.reason == "batches of 64 and 200 tokens in A, batches of 64 and 50 tokens in B"
    assert only_pair(recipe, with_budget(records, epochs=1, length=200)).verdict == "tied"
    # the same pace in samples, but steps of twice as many
    large = [replace(record, batch=128) for record in records]
    assert only_pair(records, large).verdict == "other work"


def versioned(
    *,
    versions: str = "2.12.0",
    digest: str = "ee9fa79a61",
    source: str = "s",
    weights: GivenWeights | None = None,
) -> list[Record]:
    dataset = {**cell("a", 1)[0].dataset, "digest": {"train": digest}}
    return [
        replace(
            record,
            job=replace(record.job, weights=weights),
            versions={"torch": versions},
            dataset=dataset,
            source_digest=source,
        )
        for record in cell("a", 100, 101)
    ]


GPU = {"name": "H100", "driver": "550"}
DIFFERENCES = {
    "nothing": ({}, {}, ""),
    "processor": ({}, {"machine": {**MACHINE, "cpu": "Y"}}, "machine: processor X → Y"),
    "cores": ({}, {"machine": {**MACHINE, "cores_usable": 4}}, "machine: usable cores 2 → 4"),
    "memory": (
        {},
        {"machine": {**MACHINE, "memory_bytes": 32e9}},
        "machine: memory 16.0 → 32.0 GB",
    ),
    "a kernel's share of memory": ({}, {"machine": {**MACHINE, "memory_bytes": 15.9e9}}, ""),
    "a GPU": ({}, {"machine": {**MACHINE, "gpus": [GPU]}}, "machine: GPU none → H100"),
    "what an old run does not record": ({}, {"machine": {}}, ""),
    "Python": (
        {},
        {"machine": {**MACHINE, "python": "3.12.1"}},
        "versions: Python 3.11.7 → 3.12.1",
    ),
    "framework": ({"versions": "2.13.0"}, {}, "versions: torch 2.12.0 → 2.13.0"),
    "data": (
        {"digest": "0123456789"},
        {},
        "data: mnist (real, train ee9fa79a) → (real, train 01234567)",
    ),
    "weights": (
        {"weights": GivenWeights(name="w.npz", sha256="01234567" * 8)},
        {},
        "weights: mnist-mlp drawn → sha256 01234567…",
    ),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_differences_are_named(case: str) -> None:
    records, info, expected = DIFFERENCES[case]
    comparison = compare(results_of(versioned()), results_of(versioned(**records), **info))
    assert "; ".join(map(str, comparison.differences)) == expected
    assert not comparison.remarks
    same_training = all(pair.same_training for pair in comparison.pairs)
    assert same_training == (case not in ("data", "weights"))


REMARKS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "source": ({"source": "t"}, {}, "source: framebench's own code for a has changed"),
    "system": ({}, {"machine": {**MACHINE, "system": "Linux 7"}}, "system: Linux 6 → Linux 7"),
    "packages": (
        {},
        {"environments": {"a cpu": {"Torch": "2.13.0", "typing-extensions": "4.2"}}},
        "other packages: pip 23.2.1 → none, typing-extensions 4.1 → 4.2",
    ),
}


@pytest.mark.parametrize("case", REMARKS)
def test_what_may_explain_a_change_is_a_remark(case: str) -> None:
    records, info, expected = REMARKS[case]
    environments = {"a cpu": {"torch": "2.12.0", "typing_extensions": "4.1", "pip": "23.2.1"}}
    machine = {**MACHINE, "system": "Linux 6"}
    before = results_of(versioned(), machine=machine, environments=environments)
    after = results_of(
        versioned(**records), **{"machine": machine, "environments": environments, **info}
    )
    comparison = compare(before, after)
    assert comparison.remarks == (expected,)
    assert not comparison.differences


def test_an_unfinished_run_is_a_remark() -> None:
    whole, part = results_of(versioned()), results_of(versioned())
    del part.run.info["wall_seconds"]
    assert compare(whole, part).remarks == ("B was not finished: its cells may lack repeats",)


def test_a_changed_accuracy_is_a_remark() -> None:
    def ending(records: Sequence[Record], accuracy: float) -> list[Record]:
        changed = []
        for record in records:
            assert record.measurement
            last = replace(record.measurement.evaluations[-1], metric=accuracy, examples=10_000)
            changed.append(
                replace(record, measurement=replace(record.measurement, evaluations=(last,)))
            )
        return changed

    records = cell("a", 100, 101, 102)
    comparison = both(ending(records, 0.95), ending(records, 0.90))
    (remark,) = comparison.remarks
    assert "test accuracy 95.00% → 90.00%, more than seeds explain" in remark
    assert not both(ending(records, 0.95), ending(records, 0.949)).remarks
    few = cell("a", 100)
    assert not both(ending(few, 0.95), ending(few, 0.90)).remarks


def test_cells_that_all_moved_the_same_way_are_reported() -> None:
    paces = (100.0, 101.0, 102.0)
    old = [record for name in "abc" for record in cell(name, *paces)]
    slow = [record for name in "abc" for record in cell(name, *(0.9 * pace for pace in paces))]
    assert both(old, slow).moved_alike == (
        "all 3 cells moved the same way: the machine may have been slower during B"
    )
    assert "faster during B" in both(slow, old).moved_alike
    assert not both(old, [*slow[:6], *cell("c", 110, 111, 112)]).moved_alike
    assert not both(
        old[:6], slow[:6]
    ).moved_alike  # by chance, two cells do so in half of all cases
    hardly = [record for name in "abc" for record in cell(name, *(0.999 * pace for pace in paces))]
    assert not both(old, hardly).moved_alike  # within what chance explains


def disturbed(record: Record) -> Record:
    """The record of a process beside which another one kept a core busy."""
    assert record.measurement
    windows = record.measurement.windows
    measurement = replace(
        record.measurement, windows=replace(windows, others=windows.wall), cores=2
    )
    return replace(record, measurement=measurement)


def test_a_disturbed_block_is_left_out_of_its_own_run() -> None:
    clean, (first, *rest) = cell("a", 100, 101, 102), cell("a", 50, 100, 101, 102)
    pair = only_pair(clean, [disturbed(first), *rest])
    assert pair.ratio and pair.ratio.estimate == pytest.approx(1)


def test_only_named_tasks_and_frameworks_are_compared() -> None:
    a = results_of([*cell("a", 1, 1), *cell("b", 1, 1), *cell("a", 1, 1, task="mnist-softmax")])
    assert len(compare(a, a).pairs) == 3
    assert len(compare(a, a, tasks=["mnist-mlp"]).pairs) == 2
    (pair,) = compare(a, a, tasks=["mnist-mlp"], frameworks=["b"]).pairs
    assert pair.cell.framework == "b"
    with pytest.raises(
        UsageError, match="neither run has a task called 'mnist'; there are: mnist-m"
    ):
        compare(a, a, tasks=["mnist"])
    with pytest.raises(UsageError, match="neither run has a framework called 'c'"):
        compare(a, a, frameworks=["c"])
    with pytest.raises(UsageError, match="has a cell to compare"):
        compare(a, a, tasks=["mnist-softmax"], frameworks=["b"])


@pytest.fixture(scope="module")
def published() -> Comparison:
    """Two published runs that share cells: the first has one repeat, the second three."""
    return compare(
        *(
            Results.of(run_folder.read(RESULTS / f"{name}-epyc-2cpu"))
            for name in ("full-mnist-mlp", "quick")
        )
    )


def test_titles_and_caveats_are_those_of_the_runs() -> None:
    """Whatever the source says now."""
    records = cell("pytorch", 100, 101)
    snapshot = results_of(records).snapshot
    torch = snapshot.framework("pytorch")
    assert torch
    caveat = Caveat(figures=("memory",), text="not to be compared")
    then = replace(snapshot, frameworks=(replace(torch, title="Torch"),), caveats=(caveat,))
    info = {"snapshot": json.loads(json.dumps(then.to_fields()))}
    comparison = compare(results_of(records, name="a", **info), results_of(records, **info))
    text = to_markdown(comparison, None)
    assert "| Torch " in text and "PyTorch" not in text
    assert text.count("- memory: not to be compared\n") == 1
    assert json.loads(to_json(comparison, None))["caveats"] == ["memory: not to be compared"]


@pytest.mark.parametrize("width", [80, 100, 128, 160])
def test_nothing_is_cut_in_a_terminal(width: int, published: Comparison) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_terminal(published, None, width=width))
    assert "44,065 → 36,624" in console.export_text()
    against_itself = compare(*[Results.of(published.b.run)] * 2)
    console.print(to_terminal(against_itself, None, width=width))
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for pair in against_itself.pairs:
        assert published.framework_title(pair.cell.framework) in text
        assert pair.ratio and f"1.00 ({ratio_text(pair.ratio.low)}–" in text
    shown = "\n".join(line for line in text.splitlines() if not line.startswith("no room for"))
    assert ("test metric" in shown) == (width >= 100)
    assert ("first step" in shown) == (width >= 128)
    for heading in ("test metric", "memory B / A", "first step"):
        assert heading in text  # there, or named as left out
    assert ("no room for: " in text) == (width < 128)


def test_the_forms_agree(published: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(published, None))))
    fields = json.loads(to_json(published, None))
    assert [row["verdict"] for row in rows] == [pair.verdict for pair in published.pairs]
    assert [cell["verdict"] for cell in fields["cells"]] == [row["verdict"] for row in rows]
    for pair, line, entry in zip(published.pairs, rows, fields["cells"], strict=True):
        estimate = pair.ratio.estimate if pair.ratio else None
        assert entry["ratio"] == (estimate and pytest.approx(estimate))
        assert line["ratio"] == ("" if estimate is None else f"{estimate:.9g}")
        assert (entry["ratio_low"], line["ratio_low"]) == (None, "")  # A has one repeat
    assert fields["gate"] is None
    assert fields["summary"] == str(published)
    assert list(fields["differences"]) == ["budgets"]
    markdown = to_markdown(published, None)
    assert str(published) in markdown and "PaddlePaddle" in markdown


def test_pairs_whose_names_are_cut_alike_keep_a_row_each() -> None:
    long = "a framework with a name that is longer than any label of a chart, "
    records = [record for end in ("first", "second") for record in cell(f"{long} {end}", 1, 2)]
    page = comparison_page(both(records, records), None)
    (chart,) = json.loads(page.split('id="charts">')[1].split("</script>")[0])
    rows = {label[:5] for trace in chart["data"] for label in trace["y"]}
    assert rows == {"1: a ", "2: a "}


def test_a_single_comparison_is_one_comparison() -> None:
    one, two = cell("a", 1, 2), [*cell("a", 1, 2), *cell("b", 1, 2)]
    rest = "judged on its own: of equal cells, 1 in 20 appears different by chance"
    assert f"1 comparison {rest}" in footer(both(one, one))
    assert f"2 comparisons, each {rest}" in footer(both(two, two))


Save = Callable[[str, Sequence[Record]], None]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write a run under the test's own `results`."""

    def write(name: str, records: Sequence[Record]) -> None:
        folder = run_folder.RunFolder(tmp_path / "results" / name)
        folder.write_info(results_of(records, name=name).run.info)
        for record in records:
            folder.append(record)

    return write


def test_the_command_prints_each_form_and_its_exit_code(framebench: Framebench, save: Save) -> None:
    save("before", cell("pytorch", 100, 101, 102))
    save("after", cell("pytorch", 80, 81, 82))
    assert "1 cell: 1 slower" in framebench("compare", "before", "after").stdout
    for form, begins in (("markdown", "- A  before"), ("csv", "task,framework"), ("json", "{")):
        printed = framebench("compare", "before", "after", "--format", form).stdout
        assert printed.startswith(begins)
    gate = ("compare", "before", "after", "--fail-on", "5%")
    failed = framebench(*gate, expect=1).stdout
    assert "pytorch mnist-mlp eager cpu 2 threads: FAILS: surely slower by more than 5%" in failed
    assert "gate at 5%: FAILED: 1 of 1 cell (paces tested: 1," in failed
    assert json.loads(framebench(*gate, "--json", expect=1).stdout)["gate"]["outcome"] == "failed"
    passed = framebench("compare", "before", "after", "--fail-on", "30%").stdout
    assert "gate at 30%: passed: the only cell is not slower by more than that (paces" in passed
    assert "surely slower, but by less than 30%" in passed
    open_yet = ("compare", "before", "after", "--fail-on", "21%")
    undecided = framebench(*open_yet, expect=3).stdout
    assert "gate at 21%: UNDECIDED; 1 of 1 cell can't be told apart yet" in undecided
    assert framebench(*open_yet, "--strict", expect=1).stdout == undecided
    as_json = json.loads(framebench(*open_yet, "--json", expect=3).stdout)["gate"]
    assert as_json["outcome"] == "undecided" and as_json["more_blocks"] >= 1
