"""Estimates from records whose figures are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import stats
from tests.test_core import some_record


def test_throughput_is_the_median_over_windows() -> None:
    measurement = some_record().measurement
    assert measurement
    # 5 steps of 64 in 0.5 s and in 0.25 s
    assert stats.throughput(measurement, 64) == pytest.approx((640 + 1280) / 2)


def test_time_to_accuracy_counts_training_alone() -> None:
    measurement = some_record().measurement
    assert measurement
    assert stats.time_to_accuracy(measurement, 0.5) == pytest.approx(0.5)
    assert stats.time_to_accuracy(measurement, 0.7) == pytest.approx(0.75)
    assert stats.time_to_accuracy(measurement, 0.8) is None


def test_evaluation_throughput() -> None:
    measurement = some_record().measurement
    assert measurement
    assert stats.evaluation_throughput(measurement) == pytest.approx(1000)


def test_a_cell_with_one_bad_repeat_is_not_ok_and_keeps_its_figures() -> None:
    good = some_record()
    bad = replace(good, status="crashed", reason="killed by SIGKILL", measurement=None)
    (summary,) = stats.summarize([good, bad])
    assert (summary.status, summary.reason, summary.repeats) == ("crashed", "killed by SIGKILL", 2)
    assert summary.throughput and summary.throughput.estimate == pytest.approx(960)
    assert (summary.relative, summary.rank) == (None, "")


def test_data_that_is_not_the_official_set_is_named_so() -> None:
    record = some_record()
    odd = replace(record, dataset={**record.dataset, "official": {"train": True, "test": False}})
    twin = replace(record, dataset={**record.dataset, "source": "synthetic"})
    labels = [stats.summarize([one])[0].data for one in (record, odd, twin)]
    assert labels == ["real", "real, test not official", "synthetic"]
