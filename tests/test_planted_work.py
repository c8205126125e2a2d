"""Adapters that pass the proof and then do other work, or do it where no clock runs.

Each is a copy of a framework with a fault of its own (see `tests.work_faults`). One run proves and
times all of them, beside the framework and honest copies of it: those must be ranked, and each
fault must be `wrong`. The records alone must show it too, without a proof after the timing, in the
words that name it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.cell_summary import CellSummary
from bench.analysis.results import Results
from bench.core.framework_name import framework_of
from bench.launch import catalogue
from bench.launch.paths import CACHE_VARIABLE
from bench.records import run_folder
from bench.records.run_folder import Run
from tests.benchmarks.planted import lend
from tests.rotation import rotating
from tests.work_faults import (
    ANYWHERE,
    IN_THE_REFERENCE,
    NO_DROPOUT,
    WHERE_STEPS_RETURN_EARLY,
    WorkFault,
    add_copies,
)

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(900)]

HONEST = ("honest_copy", "another_honest_copy")
RETURN_EARLY = ("jax_flax", "mxnet_gluon")


def run(scratch: Path, framework: str, task: str, codes: Mapping[str, str]) -> Run:
    """A run of a framework and its copies, with the code of a fault each."""
    tree, cache = scratch / "tree", scratch / "cache"
    add_copies(tree, framework, codes.items())
    lend(cache, framework, codes)
    chosen = [text for name in (framework, *codes) for text in ("-f", name)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "run", *chosen, "-t", task, "--threads", "1"),
            *("-n", "1", "--spare", "0", "--epochs", "2", "--train-examples", "8000"),
            *("--test-examples", "500", "--warmup", "0.1", "--timeout", "120"),
            *("--name", "planted", "--results", str(scratch / "results")),
        ],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": str(tree), CACHE_VARIABLE: str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return run_folder.read(scratch / "results" / "planted")


def by_framework(measured: Run) -> dict[str, CellSummary]:
    """The run's summaries by framework."""
    return {summary.cell.framework: summary for summary in Results.of(measured).summaries}


def by_records(measured: Run) -> dict[str, CellSummary]:
    """The summaries of the same run without its proofs after the timing, as older runs are."""
    return by_framework(replace(measured, info={**measured.info, "late_proofs": []}))


def of_frameworks(measured: Run, names: Collection[str]) -> Run:
    """The run with the records of these frameworks alone."""
    records = [each for each in measured.records if each.job.cell.framework in names]
    return replace(measured, records=records)


def check(measured: Run, framework: str, faults: Mapping[str, WorkFault]) -> None:
    """Every fault is wrong in its own words, and the framework and honest copies are ranked.

    From records alone, a fault is found beside honest ones: where many differ from each other, one
    block does not tell which of them is right.
    """
    judged, alone = by_framework(measured), by_records(measured)
    honest = judged.keys() - faults.keys()
    for name, fault in faults.items():
        assert judged[name].status == "wrong", name
        summary = by_records(of_frameworks(measured, {name, *honest}))[name]
        assert (summary.status, summary.relative) == ("wrong", None), name
        assert fault.words in summary.reason and "in block 0" in summary.reason
    for name in honest:
        for summary in (judged[name], alone[name]):
            assert (summary.status, summary.reason) == ("ok", ""), name
            assert summary.relative is not None
    assert framework in judged


def codes(faults: Mapping[str, WorkFault], honest: int) -> dict[str, str]:
    """The code of each copy: of some honest ones, and of the faults."""
    return {
        **dict.fromkeys(HONEST[:honest], ""),
        **{name: fault.code for name, fault in faults.items()},
    }


def test_every_fault_is_wrong_in_its_own_words(tmp_path: Path) -> None:
    faults = IN_THE_REFERENCE
    check(run(tmp_path, "reference", "mnist-mlp", codes(faults, 2)), "reference", faults)


@pytest.mark.parametrize(
    "framework",
    [
        pytest.param(name, marks=rotating(f"work {name}"))
        for name in catalogue.compared()
        if framework_of(name) != "keras"  # whose loop never calls the session that is put around
    ],
)
def test_faults_are_wrong_in_every_framework(framework: str, tmp_path: Path) -> None:
    faults = WHERE_STEPS_RETURN_EARLY if framework in RETURN_EARLY else ANYWHERE
    check(run(tmp_path, framework, "mnist-mlp", codes(faults, 1)), framework, faults)


def test_dropout_that_ends_with_the_first_evaluation_is_wrong(tmp_path: Path) -> None:
    copies = {HONEST[0]: "", "without_dropout": NO_DROPOUT}
    summaries = by_records(run(tmp_path, "reference", "mnist-mlp-dropout", copies))
    reason = summaries.pop("without_dropout").reason
    assert "the mean loss of epoch 2" in reason
    assert all(summary.ok for summary in summaries.values())
