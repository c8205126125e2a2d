"""The certificate of identity: how far each framework is from the reference, check by check."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from bench.launch import catalogue
from bench.proof.certificate import Certificate
from bench.proof.checks import CHECKS, Check
from bench.report.common import terminal
from bench.report.common.text import mode_text

# Columns of words in a terminal: framework, mode, status.
_WORDS = 3


def _figure(check: Check) -> str:
    """A deviation, relative and in units in the last place; a count as it is."""
    if check.ulps is None:
        return f"{check.deviation:.3g}"
    if not check.deviation:
        return "0"
    ulps = f"{check.ulps:.2g}" if check.ulps < 10 else f"{check.ulps:,.0f}"
    return f"{check.deviation:.0e} ({ulps})"


def _badness(check: Check) -> tuple[bool, float]:
    """What fails is worse than what passes, and not a number is worse than any."""
    return not check.passed, math.inf if math.isnan(check.deviation) else check.deviation


def _who(certificate: Certificate) -> tuple[str, str]:
    claim = certificate.claim
    mode = mode_text(claim.mode, claim.tuning)
    if claim.device != "cpu":
        mode += f", {claim.device}"
    return catalogue.load(claim.framework).title, mode


def _kinds(certificates: Iterable[Certificate]) -> list[str]:
    made = {check.name for one in certificates for check in one.checks}
    return [name for name in CHECKS if name in made]


def verdict(certificates: Sequence[Certificate]) -> str:
    """How many are proved, in words."""
    good = sum(one.status == "ok" for one in certificates)
    wrong = sum(one.status == "wrong" for one in certificates)
    if wrong:
        words = f"{wrong} not the same task"
    elif good < len(certificates):
        words = f"{len(certificates) - good} could not be held against it"
    else:
        words = "all are the same task"
    return f"{good} of {len(certificates)} proved: {words}"


def data_line(certificates: Iterable[Certificate]) -> str:
    """What the proofs were made on; empty where none was made."""
    found = {one.dataset.partition("-")[0]: one.data for one in certificates if one.data}
    listed = "; ".join(f"{name} {data}" for name, data in sorted(found.items()))
    return f"data: {listed}" if listed else ""


def _tables(certificates: Sequence[Certificate], width: int) -> Iterator[Table]:
    """A row for each certificate; in several tables where one would be too wide."""
    kinds = _kinds(certificates)
    headings = ["framework", "mode", "status", *kinds]
    rows = []
    for one in certificates:
        figures = {check.name: _figure(check) for check in one.checks}
        rows.append([*_who(one), one.status, *(figures.get(kind, "") for kind in kinds)])
    if not terminal.fits([headings, *rows], width):
        headings = [heading.replace(" ", "\n") for heading in headings]
        rows = [[*row[:_WORDS], *map(terminal.stacked, row[_WORDS:])] for row in rows]
    columns = ("", "", "status", *kinds)
    styled = [
        [Text(text, _style(one, column)) for text, column in zip(row, columns, strict=True)]
        for one, row in zip(certificates, rows, strict=True)
    ]
    for shown in terminal.parts([headings, *rows], width, kept=_WORDS):
        texts = [[row[index] for index in shown] for row in styled]
        yield terminal.grid([headings[index] for index in shown], texts, words=_WORDS)


def _style(certificate: Certificate, column: str) -> str:
    if column == "status":
        return "green" if certificate.status == "ok" else "bold red"
    failed = {check.name for check in certificate.checks if not check.passed}
    return "bold red" if column in failed else ""


def to_terminal(certificates: Sequence[Certificate], *, width: int) -> Group:
    """A table for each task and precision, a row for each framework and mode: 80 columns do."""
    by_table: dict[tuple[str, str], list[Certificate]] = defaultdict(list)
    for one in certificates:
        by_table[one.claim.task, one.claim.precision].append(one)
    parts: list[Table | Text] = []
    for (task, precision), chosen in by_table.items():
        parts.append(Text(f"{task} in {precision}", "bold"))
        for table in _tables(chosen, width):
            parts += [table, Text()]
    parts += [
        Text(f"{one}: {one.status}: {one.reason}", "yellow")
        for one in certificates
        if one.status != "ok"
    ]
    legend = "Deviations from the float64 reference, relative (in units in the last place)"
    parts += [Text(legend, "dim"), Text(data_line(certificates), "dim")]
    parts.append(Text(verdict(certificates), "bold"))
    return Group(*parts)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of words: each framework's and mode's worst deviations over so many tasks."""

    headings: list[str]
    rows: list[list[str]]
    tasks: int


def grid(certificates: Sequence[Certificate]) -> Grid:
    """The worst over the tasks of certificates of one precision."""
    kinds = _kinds(certificates)
    worst: dict[tuple[str, str], dict[str, Check]] = defaultdict(dict)
    proved: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in certificates:
        proved[_who(one)].append(one.status == "ok")
        known = worst[_who(one)]
        for check in one.checks:
            known[check.name] = max(known.get(check.name, check), check, key=_badness)
    rows = [
        [
            *who,
            f"{sum(proved[who])} of {len(proved[who])}",
            *(_figure(known[kind]) if kind in known else "" for kind in kinds),
        ]
        for who, known in worst.items()
    ]
    return Grid(
        headings=["framework", "mode", "tasks proved", *kinds],
        rows=rows,
        tasks=len({one.claim.task for one in certificates}),
    )


def to_markdown(certificates: Sequence[Certificate]) -> str:
    """One grid a precision, and the verdict."""
    parts: list[str] = []
    for precision in dict.fromkeys(one.claim.precision for one in certificates):
        found = grid([one for one in certificates if one.claim.precision == precision])
        aligned = ["left", "left", *["right"] * (len(found.headings) - 2)]
        table = tabulate(
            found.rows, found.headings, tablefmt="github", colalign=aligned, disable_numparse=True
        )
        parts += [
            f"In {precision}, the largest deviations over {found.tasks} tasks, relative (units in "
            "the last place):",
            table,
        ]
    parts += [line for line in (data_line(certificates), f"{verdict(certificates)}.") if line]
    return "\n\n".join(parts)


def to_json(certificates: Sequence[Certificate]) -> str:
    """Every certificate with every check, and what each check compares."""
    fields = {"checks": CHECKS, "certificates": [one.to_fields() for one in certificates]}
    return json.dumps(fields, indent=1, allow_nan=False)


def from_json(text: str) -> list[Certificate]:
    """The certificates of `to_json`."""
    return [Certificate.from_fields(one) for one in json.loads(text)["certificates"]]
