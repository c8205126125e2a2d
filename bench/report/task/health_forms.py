"""What `framebench doctor` prints: the findings on a page, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from bench.health.check import Finding, Verdict
from bench.health.examination import Examination
from bench.report.common import terminal

_STYLES: dict[Verdict, str] = {"good": "green", "not told": "dim", "mind": "yellow", "bad": "red"}


def to_json(examination: Examination) -> str:
    """The findings as JSON."""
    return json.dumps(examination.to_fields(), indent=2)


def to_terminal(examination: Examination) -> Group:
    """The findings as a table, what to do about them, and what they come to."""
    headings = ("check", "verdict", "found")
    rows = [
        (
            finding.check,
            Text(finding.verdict, _STYLES[finding.verdict]),
            "" if finding.verdict == "not told" else finding.text,
        )
        for finding in examination.findings
    ]
    return Group(
        terminal.grid(headings, rows, words=3, folding=("found",)),
        *_remedies(examination.findings),
        Text(str(examination), "bold"),
    )


def _remedies(findings: tuple[Finding, ...]) -> Iterator[RenderableType]:
    """What to do, once for all checks that have the same remedy."""
    checks: dict[str, list[str]] = {}
    for finding in findings:
        if finding.remedy:
            checks.setdefault(finding.remedy, []).append(finding.check)
    for remedy, names in checks.items():
        yield Text.assemble((", ".join(names), "bold"), f": {remedy}")
