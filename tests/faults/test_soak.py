"""A run that is killed again and again; `python -m tests.benchmarks.soak` kills it more often."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.soak import soak
from tests.conftest import TINY, FinishedRun


@pytest.mark.frameworks
def test_a_run_that_is_killed_ends_like_an_undisturbed_one(
    finished_run: FinishedRun, tmp_path: Path
) -> None:
    options = (*TINY, "-t", "mnist-mlp", "-n", "2")
    soaked = soak(finished_run.folder, tmp_path, *options, kills=4)
    assert not soaked.differences, soaked
    assert soaked.jobs == 4 and soaked.resumed >= 2
    assert soaked.killed_commands and soaked.killed_workers
