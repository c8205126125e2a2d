"""What a layer over another framework costs, and an upgrade brings, and how a report says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis.layer_costs import intercept, layer_costs
from bench.analysis.results import Results
from bench.analysis.upgrades import upgrades
from bench.core.measurement import Windows
from bench.core.record import Record
from bench.records import run_folder
from bench.report.run import run_forms
from bench.report.run.pair_tables import pair_tables
from bench.report.run.run_page import run_page
from tests.test_core import WINDOWS
from tests.test_stats import with_pace
from tests.test_tables import QUICK

# Samples a second in each block: of layers, and of what is beneath them.
PACES = {
    ("keras[jax]", "fit"): [80, 8.2, 790],
    ("jax_flax", "compiled"): [100, 10, 1000],
    ("keras[torch]", "fit"): [45, 4.6, 455],
    ("pytorch", "eager"): [90, 9, 910],
    ("pytorch", "compiled"): [900, 90, 9100],
    ("mxnet_gluon", "compiled"): [50, 5, 500],
}


def results_of(records: list[Record]) -> Results:
    known = run_folder.read(QUICK).info.items()
    left_out = ("snapshot", "certificates", "late_proofs", "rates")
    info: dict[str, Any] = {name: value for name, value in known if name not in left_out}
    return Results.of(run_folder.Run(folder=Path("r"), info=info, records=records))


def records(**conditions: Any) -> list[Record]:
    return [
        with_pace(framework, block, pace, mode=mode, **conditions)
        for (framework, mode), paces in PACES.items()
        for block, pace in enumerate(paces)
    ]


def test_a_layer_is_compared_with_what_is_beneath_it_in_recommended_modes() -> None:
    results = results_of(records())
    (table,) = results.tables
    costs = {cost.upper.cell.framework: cost for cost in layer_costs(table, results.snapshot)}
    assert costs.keys() == {"keras[jax]", "keras[torch]"}
    beneath = {name: cost.beneath.cell.framework for name, cost in costs.items()}
    assert beneath == {"keras[jax]": "jax_flax", "keras[torch]": "pytorch"}
    assert costs["keras[torch]"].beneath.cell.mode == "eager"
    ratio = costs["keras[jax]"].ratio
    assert ratio.estimate == pytest.approx((0.8 * 0.82 * 0.79) ** (1 / 3)) and ratio.known


def test_versions_side_by_side_are_all_named_and_none_is_missing() -> None:
    both = [
        replace(with_pace(f"pytorch=={version}", block, 100), versions={"torch": version})
        for version in ("2.12.1", "2.13.0")
        for block in (0, 1)
    ]
    text = run_forms.to_markdown(results_of(both))
    assert "- versions: torch 2.12.1 and 2.13.0\n" in text
    (missing,) = (line for line in text.splitlines() if line.startswith("- not in this run: "))
    assert "PyTorch" not in missing.replace("Keras on PyTorch", "") and "JAX/Flax" in missing
    assert "PyTorch 2.12.1" in text and "PyTorch 2.13.0" in text


def versions(name: str, paces: list[float], **conditions: Any) -> list[Record]:
    return [with_pace(name, block, pace, **conditions) for block, pace in enumerate(paces)]


def test_each_version_is_compared_with_the_one_before_it() -> None:
    results = results_of(
        [
            *versions("pytorch==2.13.0", [120, 12.2, 1180]),
            *versions("pytorch==2.9.1", [100, 10, 1000]),
            *versions("pytorch==2.12.1", [101, 9.9, 1002]),
            *versions("pytorch==2.12.1", [50, 5, 500], mode="compiled"),
            *versions("jax_flax[flax==0.12.7]==0.10.1", [80, 8, 800], mode="compiled"),
            *versions("jax_flax[flax==0.12.8]==0.10.1", [40, 4.1, 400], mode="compiled"),
            *versions("jax_flax==0.10.1", [40, 4, 400], mode="compiled"),
            *versions("pytorch", [10, 1, 100]),
        ]
    )
    (table,) = results.tables
    steps = [(s.older.cell.framework, s.newer.cell.framework) for s in upgrades(table)]
    assert sorted(steps) == [
        ("jax_flax[flax==0.12.7]==0.10.1", "jax_flax[flax==0.12.8]==0.10.1"),
        ("pytorch==2.12.1", "pytorch==2.13.0"),
        ("pytorch==2.9.1", "pytorch==2.12.1"),
    ]
    (shown,) = pair_tables(results)
    assert shown.title == "What an upgrade brings" and len(shown.rows) == 3
    assert "PyTorch 2.13.0 trains mnist-mlp 1.20 times (1." in shown.sentence
    assert shown.sentence.endswith("; in the other 1 no difference is found.")
    same = results_of(
        [*versions("pytorch==2.9.1", [100, 10, 1000]), *versions("pytorch==2.10", [101, 9.9, 1002])]
    )
    (alike,) = pair_tables(same)
    assert alike.sentence == "In 1 comparison no difference is found."
    for text in (run_forms.to_markdown(same), run_page(same)):
        assert "What an upgrade brings" in text and alike.sentence in text


def test_a_version_that_may_be_any_of_several_is_no_step() -> None:
    (table,) = results_of(
        [
            *versions("pytorch==2.12.*", [120, 12.2, 1180]),
            *versions("pytorch==2.9.1", [100, 10, 1000]),
        ]
    ).tables
    assert list(upgrades(table)) == []


def sentence_of(*series: list[Record]) -> str:
    (shown,) = pair_tables(results_of([record for each in series for record in each]))
    return shown.sentence


def test_steps_between_the_same_versions_are_told_with_what_tells_them_apart() -> None:
    """In each of two modes and places; a step that a task has once is told without them."""
    alike = [100, 10, 1000]
    sentence = sentence_of(
        *(versions("pytorch==2.12.1", alike, mode=mode) for mode in ("eager", "compiled")),
        versions("pytorch==2.13.0", [150, 15.1, 1490], mode="eager"),
        versions("pytorch==2.13.0", [50, 5.1, 490], mode="compiled"),
        versions("pytorch==2.12.1", alike, mode="eager", threads=1),
        versions("pytorch==2.13.0", [99, 10.1, 1002], mode="eager", threads=1),
        versions("pytorch==2.12.1", alike, mode="eager", task="mnist-softmax"),
        versions("pytorch==2.13.0", [50, 5.1, 490], mode="eager", task="mnist-softmax"),
    )
    older = " as fast as PyTorch 2.12.1"
    for start in (
        "PyTorch 2.13.0 trains mnist-mlp (eager, cpu, 2 threads) 1.50 times (",
        "PyTorch 2.13.0 trains mnist-mlp (compiled, cpu, 2 threads) 0.50 times (",
        "PyTorch 2.13.0 trains mnist-softmax 0.50 times (",
    ):
        assert sentence.count(start) == 1
        assert sentence.split(start)[1].split(")", 1)[1].startswith(older)
    assert sentence.endswith(f"{older}; in the other 1 no difference is found.")


def test_a_single_repeat_tells_nothing_of_an_upgrade() -> None:
    once = [versions("pytorch==2.9.1", [100]), versions("pytorch==2.10", [150])]
    assert sentence_of(*once) == "With so few repeats nobody can tell in 1 comparison."
    older, newer = [100.0, 10, 1000], [150.0, 15.1, 1490]
    sure = [
        versions("pytorch==2.9.1", older, threads=1),
        versions("pytorch==2.10", newer, threads=1),
    ]
    same = [
        versions("pytorch==2.9.1", older, threads=4),
        versions("pytorch==2.10", [101, 9.9, 1002], threads=4),
    ]
    rest = (
        "n 1 comparison no difference is found; "
        "with so few repeats nobody can tell in 1 comparison."
    )
    assert sentence_of(*once, *same) == f"I{rest}"
    assert sentence_of(*once, *same, *sure).endswith(f" as fast as PyTorch 2.9.1; i{rest}")


def test_a_run_without_what_is_beneath_a_layer_says_nothing_of_its_cost() -> None:
    alone = [r for r in records() if r.job.cell.framework.startswith(("keras", "mxnet"))]
    assert list(pair_tables(results_of(alone))) == []
    assert "costs" not in run_forms.to_markdown(results_of(alone))


def test_every_form_of_a_report_has_the_costs() -> None:
    both = records() + records(task="mnist-softmax")
    results = results_of(both)
    (table,) = pair_tables(results)
    assert table.title == "What Keras costs" and len(table.rows) == 4
    assert table.rows[0][:3] == ("Keras on JAX", "JAX/Flax", "mnist-mlp, cpu, 2 threads")
    assert table.rows[0][3].startswith("0.80 (0.7")
    assert table.sentence.startswith(
        "Keras on JAX trained 0.80 times as fast as JAX/Flax in the mean of 2 tasks, and is surely "
        "slower on 2 of them and Keras on PyTorch trained 0.50 times as fast as PyTorch"
    )
    (places,) = pair_tables(results_of([*both, *records(threads=1)]))
    assert places.sentence.startswith(
        "Keras on JAX trained 0.80 times as fast as JAX/Flax in the mean of 3 comparisons, and is "
        "surely slower in 3 of them"
    )
    console = Console(width=100, record=True)
    console.print(run_forms.to_terminal(results, width=100))
    texts = (console.export_text(), run_forms.to_markdown(results), run_page(results))
    for text in texts:
        assert "What Keras costs" in text and "trained 0.50 times as fast as PyTorch" in " ".join(
            text.split()
        )


@pytest.mark.parametrize(
    ("steps", "walls", "seconds"),
    [
        ([1, 100, 1, 100], [0.06, 1.05, 0.06, 1.05], 0.05),
        ([1, 100, 100], [0.01, 1.0, 1.0], 0.0),
        ([1, 1], [0.2, 0.2], None),
        ([50, 100], [0.5, 1.0], None),
        ([1, 100], [0.001, 1.0], 0.0),
    ],
)
def test_what_a_loop_takes_to_start_follows_from_windows_of_different_lengths(
    steps: list[int], walls: list[float], seconds: float | None
) -> None:
    windows = Windows.of(
        [replace_window(count, wall) for count, wall in zip(steps, walls, strict=True)]
    )
    found = intercept(windows)
    assert found is None if seconds is None else found == pytest.approx(seconds, abs=1e-9)


def replace_window(steps: int, wall: float) -> Any:
    return WINDOWS[0]._replace(steps=steps, wall=wall)


def test_the_start_is_the_median_of_processes() -> None:
    slow = records()
    for number, record in enumerate(slow):
        if record.job.cell.framework == "keras[jax]":
            assert record.measurement
            pace = record.batch / PACES["keras[jax]", "fit"][record.job.block]
            start = 0.1 * (1 + record.job.block)
            windows = Windows.of(
                [replace_window(1, start + pace), replace_window(100, start + 100 * pace)]
            )
            slow[number] = replace(record, measurement=replace(record.measurement, windows=windows))
    results = results_of(slow)
    costs = list(layer_costs(results.tables[0], results.snapshot))
    by_name = {cost.upper.cell.framework: cost.start_seconds for cost in costs}
    assert by_name["keras[jax]"] == pytest.approx(0.2)
    assert by_name["keras[torch]"] is None
