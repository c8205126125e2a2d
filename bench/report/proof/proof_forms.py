"""The certificate of identity in each form: how far each framework is from the reference."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bench.core.grouping import grouped
from bench.core.record import Cell, Status
from bench.proof.certificate import USUAL_SEED, Certificate, Claim
from bench.proof.checks import CHECKS
from bench.proof.late_proof import LateProof
from bench.proof.one_check import Check
from bench.records.snapshot import Snapshot
from bench.report.common import markdown, programs, terminal
from bench.report.common.text import mode_text

# So many units in the last place are written with an exponent: nobody counts them, and a terminal's
# table has no room for them.
_MANY = 1e9
# Columns of words in a terminal: framework, mode, status.
_WORDS = 3


def _figure(check: Check) -> str:
    """A deviation, relative and in units in the last place; a count stays a count."""
    if check.ulps is None:
        return f"{check.deviation:.3g}"
    if not check.deviation:
        return "0"
    digits = ".2g" if check.ulps < 10 else ",.0f" if check.ulps < _MANY else ".0e"
    ulps = f"{check.ulps:{digits}}"
    return f"{check.deviation:.0e} ({ulps})"


def _severity(check: Check) -> tuple[bool, float]:
    """A sort key: a failed check is worse than a passed one, and NaN is worse than any number."""
    return not check.passed, math.inf if math.isnan(check.deviation) else check.deviation


def framework_and_mode(proved: Claim | Cell, snapshot: Snapshot) -> tuple[str, str]:
    """The title of a framework, and its mode with the tuning and a device other than the CPU."""
    mode = mode_text(proved.mode, proved.tuning)
    if proved.device != "cpu":
        mode += f", {proved.device}"
    return snapshot.framework_title(proved.framework), mode


def _check_names(certificates: Iterable[Certificate], snapshot: Snapshot) -> list[str]:
    """The names of the certificates' checks, in the order of the proof."""
    names = {check.name for certificate in certificates for check in certificate.checks}
    return [name for name, _ in snapshot.proof.checks if name in names]


def verdict(certificates: Sequence[Certificate]) -> str:
    """How many claims are proved, in words."""
    return proved_text(
        [certificate.status for certificate in certificates],
        len(certificates),
        wrong="not the same task",
        unknown="could not be checked",
        whole="all are the same task",
    )


def proved_text(
    statuses: Sequence[Status], total: int, *, wrong: str, unknown: str, whole: str
) -> str:
    """How many of `total` are proved; then the words for those that are `wrong`, with their number.

    Without any of these, for those that are `unknown`, or else for the `whole`.
    """
    proved, refuted = statuses.count("ok"), statuses.count("wrong")
    if refuted:
        rest = f"{refuted} {wrong}"
    elif proved < total:
        rest = f"{total - proved} {unknown}"
    else:
        rest = whole
    return f"{proved} of {total} proved: {rest}"


def data_line(certificates: Sequence[Certificate]) -> str:
    """The data that the proofs used, and their seed if it is not the usual one; may be empty."""
    data = {
        certificate.dataset.partition("-")[0]: certificate.data
        for certificate in certificates
        if certificate.data
    }
    listed = "; ".join(f"{name} {about}" for name, about in sorted(data.items()))
    seeds = sorted({certificate.seed for certificate in certificates} - {USUAL_SEED})
    parts = [f"data: {listed}"] if listed else []
    return "; ".join(parts + [f"seed: {seed}" for seed in seeds])


def _tables(certificates: Sequence[Certificate], snapshot: Snapshot, width: int) -> Iterator[Table]:
    """A row for each certificate; in several tables if a single one would be too wide."""
    names = _check_names(certificates, snapshot)
    headings = ["framework", "mode", "status", *names]
    rows = []
    for certificate in certificates:
        figures = {check.name: _figure(check) for check in certificate.checks}
        words = (*framework_and_mode(certificate.claim, snapshot), certificate.status)
        rows.append([*words, *(figures.get(name, "") for name in names)])
    if not terminal.fits([headings, *rows], width):
        headings = [heading.replace(" ", "\n") for heading in headings]
        rows = [[*row[:_WORDS], *map(terminal.stacked, row[_WORDS:])] for row in rows]
    columns = ("", "", "status", *names)
    styled = [
        [Text(text, _style(certificate, column)) for text, column in zip(row, columns, strict=True)]
        for certificate, row in zip(certificates, rows, strict=True)
    ]
    for shown in terminal.parts([headings, *rows], width, leading=_WORDS):
        texts = [[row[index] for index in shown] for row in styled]
        yield terminal.grid([headings[index] for index in shown], texts, words=_WORDS)


def _style(certificate: Certificate, column: str) -> str:
    if column == "status":
        return "green" if certificate.status == "ok" else "bold red"
    failed = {check.name for check in certificate.checks if not check.passed}
    return "bold red" if column in failed else ""


def to_terminal(certificates: Sequence[Certificate], snapshot: Snapshot, *, width: int) -> Group:
    """A table for each task and precision, with a row for each framework and mode.

    For rich to print `width` columns wide; 80 are enough.
    """
    by_table = grouped(
        certificates, lambda certificate: (certificate.claim.task, certificate.claim.precision)
    )
    parts: list[Table | Text] = []
    for (task, precision), group in by_table.items():
        parts.append(Text(f"{task} in {precision}", "bold"))
        for table in _tables(group, snapshot, width):
            parts += [table, Text()]
    parts += [
        Text(f"{certificate}: {certificate.status}: {certificate.reason}", "yellow")
        for certificate in certificates
        if certificate.status != "ok"
    ]
    legend = "Deviations from the float64 reference, relative (in units in the last place)"
    parts += [Text(legend, "dim"), Text(data_line(certificates), "dim")]
    parts.append(Text(verdict(certificates), "bold"))
    return Group(*parts)


@dataclass(frozen=True, kw_only=True)
class DeviationTable:
    """The worst deviations of each framework and mode over `tasks` tasks, as texts."""

    headings: list[str]
    rows: list[list[str]]
    tasks: int


def deviation_table(certificates: Sequence[Certificate], snapshot: Snapshot) -> DeviationTable:
    """The worst deviations over all tasks, from certificates of one precision."""
    by_mode = grouped(
        certificates, lambda certificate: framework_and_mode(certificate.claim, snapshot)
    )
    return worst_deviations(
        by_mode,
        _check_names(certificates, snapshot),
        proved="tasks proved",
        tasks=len({certificate.claim.task for certificate in certificates}),
    )


def worst_deviations(
    by_mode: Mapping[tuple[str, str], Sequence[Certificate | LateProof]],
    names: Sequence[str],
    *,
    proved: str,
    tasks: int,
) -> DeviationTable:
    """The worst deviations of the checks of these `names`, by framework and mode.

    `proved` heads the column that says how many are.
    """
    rows = []
    for key, group in by_mode.items():
        ok = sum(each.status == "ok" for each in group)
        checks = grouped(chain.from_iterable(each.checks for each in group), attrgetter("name"))
        worst = {name: max(same, key=_severity) for name, same in checks.items()}
        figures = (_figure(worst[name]) if name in worst else "" for name in names)
        rows.append([*key, f"{ok} of {len(group)}", *figures])
    return DeviationTable(headings=["framework", "mode", proved, *names], rows=rows, tasks=tasks)


def to_markdown(certificates: Sequence[Certificate], snapshot: Snapshot) -> str:
    """One table for each precision, and the verdict."""
    parts: list[str] = []
    for precision in dict.fromkeys(certificate.claim.precision for certificate in certificates):
        group = [
            certificate for certificate in certificates if certificate.claim.precision == precision
        ]
        worst = deviation_table(group, snapshot)
        parts += [
            f"In {markdown.escaped(precision)}, the largest deviations over {worst.tasks} tasks, "
            "relative (units in the last place):",
            markdown.table(worst.headings, worst.rows, words=2),
        ]
    lines = (data_line(certificates), f"{verdict(certificates)}.")
    parts += [markdown.escaped(line) for line in lines if line]
    return "\n\n".join(parts)


def to_json(certificates: Sequence[Certificate]) -> str:
    """Every certificate with every check, and what each check compares."""
    fields = {
        "checks": CHECKS,
        "certificates": [certificate.to_fields() for certificate in certificates],
    }
    return programs.to_json(fields, indent=1)


def from_json(text: str) -> list[Certificate]:
    """The certificates of `to_json`."""
    return [Certificate.from_fields(fields) for fields in json.loads(text)["certificates"]]
