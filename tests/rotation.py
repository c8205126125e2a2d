"""Which of the expensive cases a run of the tests takes, and the summary at its end.

Cases that every run takes are not marked. Every other case is marked with one of 32 shares, by
a hash of its id. A run takes the share that its commit's hash chooses: the same commit always
takes the same cases, and over several commits all are taken. `pytest --all` takes everything.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SHARES = 32
VARIABLE = "FRAMEBENCH_SHARE"
SHOWN = "shown"


def share_of(case: str) -> int:
    """The share of a case: by its id alone, so that other cases do not change it."""
    return int(hashlib.sha256(case.encode()).hexdigest(), 16) % SHARES


def rotating(case: str) -> pytest.MarkDecorator:
    """Marks a case that only the runs of its share take."""
    return pytest.mark.share(share_of(case))


def current_share(tree: Path) -> int:
    """The share that the variable names, or else that of the commit checked out in `tree`.

    It is 0 outside a git repository. Raises UsageError if the variable is not one of 0 to 31.
    """
    if chosen := os.environ.get(VARIABLE):
        if chosen not in map(str, range(SHARES)):
            raise pytest.UsageError(f"{VARIABLE} must be 0 to {SHARES - 1}, not {chosen!r}")
        return int(chosen)
    head = ("git", "-C", str(tree), "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(commit, 16) % SHARES


def shown(kind: str, of: int, **parts: object) -> tuple[str, dict[str, Any]]:
    """The case that a test has passed, as arguments of pytest's `record_property`.

    `of` is how many cases of that kind there are in all; the summary counts by each of the `parts`.
    """
    return SHOWN, {
        "kind": kind,
        "of": of,
        "parts": {name: str(part) for name, part in parts.items()},
    }


def summary(cases: list[Mapping[str, Any]]) -> list[str]:
    """A line for each kind of case: how many of how many were taken, by their parts."""
    kinds: dict[tuple[str, int], list[Mapping[str, str]]] = defaultdict(list)
    for case in cases:
        kinds[case["kind"], case["of"]].append(case["parts"])
    lines = []
    for (kind, total), every in kinds.items():
        counts = []
        for name in every[0]:
            of_part = Counter(parts[name] for parts in every)
            listed = ", ".join(f"{part} ×{count}" for part, count in sorted(of_part.items()))
            counts.append(f"{name} {listed}")
        lines.append(
            ": ".join(filter(None, (f"{len(every)} of {total} {kind}", "; ".join(counts))))
        )
    return lines


class Rotation:
    """The pytest plugin: leaves out the cases of other shares, and prints the summary."""

    def __init__(self, share: int | None) -> None:
        """Takes the cases of one share, or of all for None."""
        self.share = share

    def __str__(self) -> str:
        """For a line of text."""
        if self.share is None:
            return "the cases of all shares"
        return f"the cases of share {self.share} of 0 to {SHARES - 1}; --all takes all"

    def takes(self, item: pytest.Item) -> bool:
        """Whether this run takes a test. Unmarked tests are always taken."""
        mark = item.get_closest_marker("share")
        return mark is None or self.share is None or mark.args == (self.share,)

    def pytest_report_header(self) -> str:
        return f"rotation: {self}"

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        left_out = [item for item in items if not self.takes(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if self.takes(item)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        cases = [
            value
            for report in terminalreporter.getreports("passed")
            for name, value in report.user_properties
            if name == SHOWN and report.when == "call"
        ]
        if cases:
            terminalreporter.section(f"shown with {self}")
            for line in summary(cases):
                terminalreporter.write_line(line)
