"""`import framebench`: what its documentation shows is what it returns."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import bench
import framebench
from bench.core.errors import UsageError
from bench.launch.catalogue import TREE

PAGE = TREE / "docs" / "python.md"


@pytest.fixture(autouse=True)
def in_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples name runs in `results`."""
    monkeypatch.chdir(TREE)


def test_the_examples_of_the_docstrings_are_run() -> None:
    outcome = doctest.testmod(framebench)
    assert outcome.attempted > 10
    assert not outcome.failed


def test_the_examples_of_the_page_are_run() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(blocks)
    examples = doctest.DocTestParser().get_doctest(text, {}, "python.md", str(PAGE), 0)
    outcome = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples)
    assert outcome.attempted > 5
    assert not outcome.failed


def test_the_frame_is_what_the_csv_holds() -> None:
    results = framebench.results("quick-epyc-2cpu")
    frame = results.frame()
    table = (results.run.folder / "summary.csv").read_text(encoding="utf-8")
    assert list(frame.columns) == table.partition("\n")[0].split(",")
    assert len(frame) == len(results.summaries)


def test_a_comparison_takes_results_or_names() -> None:
    results = framebench.results(TREE / "results" / "quick-epyc-2cpu")
    by_results = framebench.compare(results, results)
    by_name = framebench.compare("quick-epyc-2cpu", "quick-epyc-2cpu")
    assert by_results.pairs == by_name.pairs
    assert len(by_name.frame()) == len(by_name.pairs) == len(results.summaries)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run nowhere"):
        framebench.results("nowhere")
    with pytest.raises(UsageError, match="there is no run quick-epyc-2cpu"):
        framebench.results("quick-epyc-2cpu", folder=tmp_path)
    with pytest.raises(UsageError, match="holds no run"):
        framebench.results(tmp_path)


def test_the_version_is_that_of_the_program() -> None:
    assert framebench.__version__ == bench.__version__
