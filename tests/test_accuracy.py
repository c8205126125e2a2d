"""Final accuracies that seeds explain, and some that they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import accuracy, stats
from bench.core.record import Record
from bench.report.frame import frame
from tests.test_core import some_record

SEEDS = (0.90, 0.91, 0.92)


def records(framework: str, accuracies: tuple[float, ...], task: str = "mnist-mlp") -> list[Record]:
    record = some_record()
    assert record.measurement
    found = []
    for block, value in enumerate(accuracies):
        cell = replace(record.job.cell, framework=framework, task=task)
        last = replace(record.measurement.evaluations[-1], accuracy=value)
        found.append(
            replace(
                record,
                job=replace(record.job, cell=cell, block=block),
                measurement=replace(record.measurement, evaluations=(last,)),
            )
        )
    return found


def names(found: list[Record]) -> set[str]:
    return {cell.framework for cell in accuracy.unexplained(found)}


def chance(found: list[Record]) -> float:
    (only,) = accuracy.p_values(found).values()
    return only


def test_what_seeds_explain_is_alike() -> None:
    alike = records("a", SEEDS) + records("b", SEEDS)
    assert chance(alike) == pytest.approx(1)
    assert names(alike) == set()


def test_what_seeds_do_not_explain_is_named() -> None:
    alike = records("a", SEEDS) + records("b", SEEDS)
    worse = tuple(value - 0.4 for value in SEEDS)
    odd = alike + records("c", worse)
    assert chance(odd) < accuracy.SURE
    assert names(odd) == {"c"}
    assert "final accuracy 51.00%" in next(iter(accuracy.unexplained(odd).values()))
    # a second one that is off elsewhere does not hide behind the first
    assert names(odd + records("d", tuple(value - 0.8 for value in SEEDS))) == {"c", "d"}
    # the same accuracies on another task are another task's affair
    assert names(alike + records("c", worse, task="mnist-softmax")) == set()


def test_of_two_that_differ_neither_is_right() -> None:
    found = records("a", SEEDS) + records("b", tuple(value - 0.4 for value in SEEDS))
    assert names(found) == {"a", "b"}


def test_nothing_is_said_of_what_was_not_repeated() -> None:
    once = records("a", SEEDS[:1]) + records("b", (0.1,))
    assert accuracy.p_values(once) == {}
    assert names(once) == set()


def test_constant_accuracies() -> None:
    constant = records("a", (0.9,) * 3) + records("b", (0.9,) * 3)
    assert chance(constant) == pytest.approx(1)
    # of 100 test examples, one more or less is nothing, and forty are
    assert names(constant + records("c", (0.89,) * 3)) == set()
    assert names(constant + records("c", (0.5,) * 3)) == {"c"}
    perfect = records("a", (1.0, 1.0)) + records("b", (1.0, 1.0))
    assert chance(perfect) == 1


def test_a_cell_out_of_line_is_wrong_and_not_ranked() -> None:
    found = records("pytorch", SEEDS) + records("mxnet_gluon", SEEDS)
    found += records("paddlepaddle", tuple(value - 0.4 for value in SEEDS))
    table = frame(stats.summarize(found)).set_index("framework")
    assert table["status"].to_dict() == {
        "pytorch": "ok",
        "mxnet_gluon": "ok",
        "paddlepaddle": "wrong",
    }
    assert table["relative"].isna()["paddlepaddle"]


def test_alike_frameworks_are_hardly_ever_called_wrong() -> None:
    """At most one table in a thousand by chance: none of these 200, whose seeds are fixed."""
    random = np.random.default_rng(1)
    for _ in range(200):
        seeds = random.normal(0.7, 0.01, 5)
        found = []
        for framework in "abcd":
            noise = random.normal(0, 0.005, 5)
            found += records(framework, tuple(float(value) for value in seeds + noise))
        assert names(found) == set()
