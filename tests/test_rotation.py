"""The shares of the expensive cases: they cover every case, and a commit always has the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import tasks
from bench.launch import catalogue
from tests.rotation import (
    SHARES,
    VARIABLE,
    Rotation,
    current_share,
    share_of,
    shown,
    summary,
)
from tests.test_frameworks import alone

FILE = catalogue.TREE / "tests" / "test_frameworks.py"


class Collected:
    """A pytest plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def collect(*options: str) -> list[pytest.Item]:
    """The tests of real frameworks that pytest would run."""
    collected = Collected()
    command = ["--collect-only", "-q", "-p", "no:cacheprovider", *options, str(FILE)]
    assert pytest.main(command, plugins=[collected]) == 0
    return collected.items


@pytest.fixture(scope="module")
def everything() -> list[pytest.Item]:
    return collect("--all")


@pytest.mark.frameworks
def test_every_share_takes_its_own_cases_and_what_is_not_marked(
    everything: list[pytest.Item],
) -> None:
    rotations = [Rotation(share) for share in range(SHARES)]
    for item in everything:
        takers = [rotation.takes(item) for rotation in rotations]
        assert sum(takers) == (1 if item.get_closest_marker("share") else SHARES)
        assert Rotation(None).takes(item)
    sizes = [sum(map(rotation.takes, everything)) for rotation in rotations]
    assert max(sizes) < len(everything) / 2


@pytest.mark.frameworks
def test_pytest_takes_the_share_that_is_named(
    everything: list[pytest.Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    expected = [item.nodeid for item in everything if Rotation(1).takes(item)]
    assert [item.nodeid for item in collect()] == expected


def test_each_framework_is_proved_on_each_task_that_is_not_dear_in_each_run(
    everything: list[pytest.Item],
) -> None:
    unmarked = {item.nodeid for item in everything if not item.get_closest_marker("share")}
    for name in catalogue.usual():
        for task in tasks.names():
            if not catalogue.load(name).supports(tasks.load(task).network):
                continue
            claim = f"{name} {task} {catalogue.load(name).recommended} cpu 1 thread float64"
            found = any(f"[{claim}]" in node for node in unmarked)
            assert found == (not alone(task)), claim


def test_a_case_keeps_its_share() -> None:
    """The same in any process, whatever other cases there are."""
    assert [share_of(case) for case in "abcdefgh"] == [27, 29, 6, 4, 10, 17, 9, 3]


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_chooses_the_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_share(tmp_path) == 0  # no repository
    git(tmp_path, "init", "-q")
    assert current_share(tmp_path) == 0  # no commit
    seen = set()
    for number in range(12):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", str(number))
        share = current_share(tmp_path)
        assert share == int(git(tmp_path, "rev-parse", "HEAD")[-2:], 16) % SHARES
        seen.add(share)
    assert len(seen) > 1
    monkeypatch.setenv(VARIABLE, "3")
    assert current_share(tmp_path) == 3


@pytest.mark.parametrize("value", ["32", "-1", "all"])
def test_an_invalid_share_is_bad_usage(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(pytest.UsageError, match=f"must be 0 to 31, not '{value}'"):
        current_share(catalogue.TREE)


def test_the_summary_counts_by_every_part() -> None:
    cases = [
        shown("claims proved", 392, mode="eager", threads=1)[1],
        shown("claims proved", 392, mode="xla", threads=1)[1],
        shown("planted faults caught", 50)[1],
    ]
    assert summary(cases) == [
        "2 of 392 claims proved: mode eager ×1, xla ×1; threads 1 ×2",
        "1 of 50 planted faults caught",
    ]
