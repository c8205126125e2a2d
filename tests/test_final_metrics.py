"""Final accuracies: differences that seeds explain, and differences that they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from bench.analysis import final_metrics, outlying_metrics
from bench.analysis.results import Results
from bench.core.record import Cell, Record
from bench.records.snapshot import MetricSnapshot
from tests.test_core import accuracy_of, some_record
from tests.test_tables import run_of

# By seed. A seed affects all frameworks alike.
SEEDS = (0.90, 0.91, 0.92)
OTHERS = (0.902, 0.909, 0.919)


def records(
    framework: str, accuracies: Sequence[float], mode: str = "eager", **of_cell: str
) -> list[Record]:
    record = some_record()
    assert record.measurement
    columns = record.job.cell.to_columns()
    cell = Cell.from_columns({**columns, "framework": framework, "mode": mode, **of_cell})
    repeats = []
    for block, value in enumerate(accuracies):
        last = replace(record.measurement.evaluations[-1], metric=float(value), examples=10_000)
        repeats.append(
            replace(
                record,
                job=replace(record.job, cell=cell, block=block, seed=block),
                measurement=replace(record.measurement, evaluations=(last,)),
            )
        )
    return repeats


def names(records: list[Record]) -> set[str]:
    return {
        cell.framework
        for cell in final_metrics.unexplained(final_metrics.by_work(records, accuracy_of))
    }


def chance(records: list[Record]) -> float:
    (only,) = final_metrics.p_values(final_metrics.by_work(records, accuracy_of)).values()
    return only


def test_differences_that_seeds_explain_name_no_cell() -> None:
    alike = records("a", SEEDS) + records("b", OTHERS)
    assert chance(alike) == pytest.approx(1)
    assert names(alike) == set()


def test_the_p_value_is_that_of_two_nested_linear_models() -> None:
    """Two linear models by least squares: one of rows and blocks, one of blocks alone.

    Of the residual's twelve degrees of freedom, five are believed.
    """
    rows = np.random.default_rng(3).normal(size=(4, 5))
    row, block = np.indices(rows.shape).reshape(2, -1)
    of_blocks = (block[:, None] == range(5)).astype(float)
    of_rows = (row[:, None] == range(4)).astype(float)

    def residual(model: np.ndarray) -> float:
        fitted = model @ np.linalg.lstsq(model, rows.ravel(), rcond=None)[0]
        return float(((rows.ravel() - fitted) ** 2).sum())

    both = residual(np.hstack([of_blocks, of_rows]))
    expected = scipy.stats.f.sf((residual(of_blocks) - both) / 3 / (both / 12), 3, 5)
    assert final_metrics.blocked(rows.tolist(), least=0) == pytest.approx(expected)
    # with two rows it is a paired t-test
    first, second = (0.4, 0.7, 0.2, 0.9), (0.5, 0.9, 0.25, 0.97)
    paired = scipy.stats.ttest_rel(first, second).pvalue
    assert final_metrics.blocked([first, second], least=0) == pytest.approx(paired)


def test_differences_that_seeds_do_not_explain_name_the_cell() -> None:
    alike = records("a", SEEDS) + records("b", OTHERS)
    worse = tuple(value - 0.4 for value in SEEDS)
    odd = alike + records("c", worse)
    assert chance(odd) < final_metrics.SURE
    assert names(odd) == {"c"}
    assert "final accuracy 51.00%" in next(
        iter(final_metrics.unexplained(final_metrics.by_work(odd, accuracy_of)).values())
    )
    # a second deviating framework does not hide behind the first
    assert names(odd + records("d", tuple(value - 0.8 for value in SEEDS))) == {"c", "d"}
    # accuracies are compared only within a task
    assert names(alike + records("c", worse, task="mnist-softmax")) == set()


def test_a_difference_that_seeds_hide_is_found() -> None:
    """It is smaller than the effect that seeds have on all, and larger than the rest varies."""
    odd = tuple(value - 0.008 for value in (*SEEDS, 0.95, 0.87))
    alike = records("a", (*SEEDS, 0.95, 0.87)) + records("b", (*OTHERS, 0.949, 0.871))
    assert names(alike) == set()
    assert names(alike + records("c", odd)) == {"c"}


def test_a_single_wrong_mode_does_not_make_its_framework_wrong() -> None:
    trained = records("a", SEEDS) + records("b", OTHERS)
    trained += records("c", OTHERS) + records(
        "c", [value - 0.4 for value in SEEDS], mode="compiled"
    )
    (only,) = final_metrics.unexplained(final_metrics.by_work(trained, accuracy_of))
    assert (only.framework, only.mode) == ("c", "compiled")


def test_where_two_cells_differ_both_are_named() -> None:
    differing = records("a", SEEDS) + records("b", tuple(value - 0.4 for value in SEEDS))
    assert names(differing) == {"a", "b"}


def test_cells_with_too_few_repeats_are_not_judged() -> None:
    few = records("a", SEEDS[:2]) + records("b", (0.1, 0.1))
    assert final_metrics.p_values(final_metrics.by_work(few, accuracy_of)) == {}
    assert names(few) == set()
    # nor do they keep the other cells from being compared
    alike = records("c", SEEDS) + records("d", OTHERS)
    assert chance(few + alike) == chance(alike)


def test_seeds_that_some_cells_lack_are_left_out() -> None:
    more = records("a", (*SEEDS, 0.1)) + records("b", OTHERS)
    assert chance(more) == chance(records("a", SEEDS) + records("b", OTHERS))


def test_constant_accuracies() -> None:
    constant = records("a", (0.9,) * 3) + records("b", (0.9,) * 3)
    assert chance(constant) == pytest.approx(1)
    # of 10,000 test examples, a difference of one is noise, and one of four thousand is not
    assert names(constant + records("c", (0.8999,) * 3)) == set()
    assert names(constant + records("c", (0.5,) * 3)) == {"c"}
    perfect = records("a", (1.0,) * 3) + records("b", (1.0,) * 3)
    assert chance(perfect) == 1


def test_a_metric_of_errors_may_be_0_everywhere() -> None:
    errors = MetricSnapshot(name="errors", unit="", better="less", target=None)
    none = records("a", (0.0,) * 3) + records("b", (0.0,) * 3)
    (final,) = final_metrics.by_work(none, lambda task: errors).values()
    assert final.p_value() == 1
    assert final_metrics.blocked([[1.0, 1.0], [2.0, 2.0]], least=0) == 0


def test_a_cell_out_of_line_is_wrong_and_not_ranked() -> None:
    trained = records("pytorch", SEEDS) + records("mxnet_gluon", SEEDS)
    trained += records("paddlepaddle", tuple(value - 0.4 for value in SEEDS))
    table = Results.of(run_of(trained)).frame().set_index("framework")
    assert table["status"].to_dict() == {
        "pytorch": "ok",
        "mxnet_gluon": "ok",
        "paddlepaddle": "wrong",
    }
    assert table["relative"].isna()["paddlepaddle"]


def trained_alike(random: np.random.Generator, modes: int) -> list[Record]:
    """Four equal frameworks that vary as in the published runs.

    Seeds move all of them by 1 %, frameworks by 0.3 %, and the modes of a framework by 0.1 %.
    """
    seeds = random.normal(0.7, 0.01, 5)
    trained = []
    for framework in "abcd":
        own = seeds + random.normal(0, 0.003, 5)
        for mode in ("eager", "compiled", "xla")[:modes]:
            trained += records(framework, own + random.normal(0, 0.001, 5), mode=mode)
    return trained


@pytest.mark.frameworks
@pytest.mark.parametrize("modes", [1, 3])
def test_equal_frameworks_are_almost_never_called_wrong(modes: int) -> None:
    """A p-value is below 5 % in 5 % of tables at most, and no cell of 400 is called wrong."""
    random = np.random.default_rng(1)
    tables = [trained_alike(random, modes) for _ in range(400)]
    below = sum(chance(table) < 0.05 for table in tables) / len(tables)
    assert 0 < below <= 0.05
    assert not any(names(table) for table in tables)


def test_a_framework_that_varies_more_than_others_is_not_called_wrong() -> None:
    """Three blocks of a real run: the kernels of five are alike, and MXNet's go ways of their own.

    Over 33 blocks it is as often above the others as below. Three on the same side are chance.
    """
    blocks = {
        "jax_flax": (0.422, 0.421, 0.417),
        "keras[tensorflow]": (0.420, 0.418, 0.413),
        "mxnet_gluon": (0.412, 0.416, 0.403),
        "paddlepaddle": (0.421, 0.422, 0.417),
        "pytorch": (0.424, 0.424, 0.416),
        "tensorflow_keras": (0.422, 0.418, 0.410),
    }
    assert names([one for name, values in blocks.items() for one in records(name, values)]) == set()


@pytest.mark.frameworks
def test_of_frameworks_that_vary_unequally_almost_none_is_called_wrong() -> None:
    """Two of 400 tables at most, where one of six varies three times as much as the rest."""
    random = np.random.default_rng(5)
    noise = dict.fromkeys("abcde", 0.002) | {"f": 0.006}
    wrong = 0
    for _ in range(400):
        seeds = random.normal(0.7, 0.01, 3)
        table = [
            one
            for name, deviation in noise.items()
            for one in records(name, seeds + random.normal(0, deviation, 3))
        ]
        wrong += bool(names(table))
    assert wrong <= 2


def test_a_framework_that_is_off_by_more_than_its_noise_is_called_wrong() -> None:
    """It is off by 4 %, and the effect of a seed is 1 %: at least 95 of 100 tables name it."""
    random = np.random.default_rng(2)
    right = 0
    for _ in range(100):
        alike = trained_alike(random, modes=2)
        seeds = [
            record.measurement.evaluations[-1].metric for record in alike[:5] if record.measurement
        ]
        right += names(alike + records("e", seeds + random.normal(-0.04, 0.003, 5))) == {"e"}
    assert right >= 95


def outlying(records: list[Record]) -> set[tuple[str, int]]:
    """The frameworks and blocks whose metric stands out from the other frameworks'."""
    found = outlying_metrics.findings(records, accuracy_of)
    return {(finding.cell.framework, finding.block) for finding in found}


def test_a_framework_s_own_scatter_does_not_acquit_it() -> None:
    alike = records("a", (0.95, 0.951, 0.952)) + records("b", (0.951, 0.95, 0.951))
    odd = alike + records("c", (0.949, 0.952, 0.95)) + records("d", (0.40, 0.33, 0.90))
    assert names(odd) == set()
    assert outlying(odd) == {("d", 0), ("d", 1), ("d", 2)}
    summaries = Results.of(run_of(odd)).summaries
    assert {summary.cell.framework for summary in summaries if not summary.ok} == {"d"}
    (reason,) = (summary.reason for summary in summaries if not summary.ok)
    assert "final accuracy 40.00%, where the mean of the other frameworks is 95.00%" in reason
    assert "in block 0, and likewise in 1, 2" in reason


def test_a_finite_test_set_explains_some_of_a_difference() -> None:
    """The others agree to the last digit: of 10,000 examples, 2 % more is no chance, 0.3 % is."""
    alike = [record for name in "abc" for record in records(name, (0.9, 0.9, 0.9))]
    assert outlying(alike + records("d", (0.903, 0.9, 0.9))) == set()
    assert outlying(alike + records("d", (0.92, 0.9, 0.9))) == {("d", 0)}
    perfect = [record for name in "abc" for record in records(name, (1.0, 1.0, 1.0))]
    assert outlying(perfect + records("d", (1.0, 0.9999, 1.0))) == set()
    assert outlying(perfect + records("d", (1.0, 0.98, 1.0))) == {("d", 1)}


def test_of_two_frameworks_neither_stands_out_by_chance_of_the_other() -> None:
    assert outlying(records("a", SEEDS) + records("b", (0.1, 0.2, 0.3))) == set()


@pytest.mark.frameworks
@pytest.mark.parametrize("modes", [1, 3])
def test_no_process_of_equal_frameworks_stands_out(modes: int) -> None:
    random = np.random.default_rng(4)
    assert not any(outlying(trained_alike(random, modes)) for _ in range(400))


def test_a_metric_of_which_less_is_better_is_told_in_its_own_words() -> None:
    rmse = MetricSnapshot(name="RMSE", unit="stars", better="less", target=1.0)
    odd = [
        *records("a", (0.981, 0.984, 0.979)),
        *records("b", (0.9811, 0.9839, 0.9792)),
        *records("c", (1.21, 1.214, 1.209)),
    ]
    (reason,) = final_metrics.unexplained(final_metrics.by_work(odd, lambda task: rmse)).values()
    assert "final RMSE 1.211 stars, where the median of all cells is 0.9814 stars" in reason
