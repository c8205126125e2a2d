"""Every adapter has native scripts to be held against: see `tests/benchmarks/native.py`."""

from __future__ import annotations

import pytest

from bench import tasks
from bench.launch import catalogue
from tests.benchmarks.native import FORMATS, NATIVE, STEPS
from tests.native.run import TASKS
from tests.test_boundaries import imported

# The headline tasks; translation, whose network reads two sequences and writes one; speech, whose
# loss is an operator of its own; and a graph, whose products are sparse.
HELD = {name for name in tasks.names() if tasks.load(name).headline} | {
    "multi30k-seq2seq",
    "digits-ctc",
    "cora-gcn",
}


@pytest.mark.parametrize("framework", sorted(folder.name for folder in NATIVE.glob("[a-z]*/")))
def test_a_framework_has_a_native_script_for_each_of_these_tasks(framework: str) -> None:
    scripts = {file.name for file in (NATIVE / framework).glob("*.py")}
    assert scripts == {f"{tasks.load(name).network}.py" for name in HELD}


@pytest.mark.parametrize("file", sorted(NATIVE.rglob("*.py")), ids=str)
def test_a_native_script_shares_no_code_with_what_it_is_held_against(file: str) -> None:
    roots = {module.split(".")[0] for module in imported(NATIVE / file)}
    assert not roots & {"bench", "frameworks", "tests"}


def test_the_benchmark_knows_these_tasks_and_the_frameworks() -> None:
    assert set(STEPS) == HELD
    assert {tasks.load(name).network: name for name in HELD} == TASKS
    assert set(FORMATS) < set(catalogue.compared())


def test_all_frameworks_are_given_the_same_memory_allocator() -> None:
    """It is the C library's, not a framework's: what helps one must be offered to all."""
    settings = [
        {
            name: value
            for name, value in catalogue.load(framework).expert.environment.items()
            if name.startswith(("MALLOC_", "GLIBC_"))
        }
        for framework in catalogue.compared()
        if (NATIVE / framework).is_dir()  # those that a run by an expert is held against
    ]
    assert settings[0] and all(other == settings[0] for other in settings)
