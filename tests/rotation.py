"""Which of the expensive cases a run of the tests takes, and what it says of them at its end.

What every run has to show is not marked. Each other case is marked with one of four quarters, which
a hash of its id chooses. A run takes the quarter that its commit chooses: four quarters cover every
case, each commit repeats the same one, and commits by and by cover all. `pytest --all` takes
everything.
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

QUARTERS = 4
VARIABLE = "FRAMEBENCH_QUARTER"
SHOWN = "shown"


def quarter_of(case: str) -> int:
    """The quarter of a case by its id alone, so that it stays when other cases come and go."""
    return int(hashlib.sha256(case.encode()).hexdigest(), 16) % QUARTERS


def rotating(case: str) -> pytest.MarkDecorator:
    """Marks a case that only the runs of its quarter take."""
    return pytest.mark.quarter(quarter_of(case))


def current_quarter(tree: Path) -> int:
    """The quarter that the variable names, or else that of the commit checked out in `tree`.

    It is 0 outside a git repository. Raises UsageError if the variable is not one of 0 to 3.
    """
    if chosen := os.environ.get(VARIABLE):
        if chosen not in map(str, range(QUARTERS)):
            raise pytest.UsageError(f"{VARIABLE} must be 0 to {QUARTERS - 1}, not {chosen!r}")
        return int(chosen)
    head = ("git", "-C", str(tree), "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(commit, 16) % QUARTERS


def shown(kind: str, of: int, **parts: object) -> tuple[str, dict[str, Any]]:
    """What a passed test has shown, as arguments of pytest's `record_property`.

    `of` is how many cases of that kind there are in all; the summary counts by each of the `parts`.
    """
    return SHOWN, {
        "kind": kind,
        "of": of,
        "parts": {name: str(part) for name, part in parts.items()},
    }


def summary(cases: list[Mapping[str, Any]]) -> list[str]:
    """A line for each kind of case: how many there were, of how many, and what they were."""
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
    """The pytest plugin: leaves out other quarters' cases, and says in the end what was shown."""

    def __init__(self, quarter: int | None) -> None:
        """Takes the cases of one quarter, or of all if it is None."""
        self.quarter = quarter

    def __str__(self) -> str:
        """For a line of text."""
        if self.quarter is None:
            return "the cases of all quarters"
        return f"the cases of quarter {self.quarter} of 0 to {QUARTERS - 1}; --all takes all"

    def takes(self, item: pytest.Item) -> bool:
        """Whether this run takes a test: those that no quarter is named for, it always does."""
        mark = item.get_closest_marker("quarter")
        return mark is None or self.quarter is None or mark.args == (self.quarter,)

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
