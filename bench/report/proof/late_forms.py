"""The late proofs of a run: whether what was timed was still the task at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bench.analysis.results import Results
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.proof.late_proof import LateProof
from bench.records.snapshot import Pairs, Snapshot
from bench.report.common.text import mode_text
from bench.report.proof.proof_forms import DeviationTable, worst_figures


def late_verdict(results: Results) -> str:
    """Of how many measured cells it is proved that they still trained their task, in words."""
    proofs = results.late_proofs
    if not proofs:
        return "not proved, because this run has no late proofs"
    measured = {proof.cell for proof in proofs}
    measured |= {summary.cell for summary in results.summaries if summary.ok}
    proved = sum(proof.status == "ok" for proof in proofs)
    wrong = sum(proof.status == "wrong" for proof in proofs)
    if wrong:
        rest = f"{wrong} no longer trained the task"
    elif proved < len(measured):
        rest = f"{len(measured) - proved} not proved after the timing"
    else:
        rest = "all still trained the task"
    return f"{proved} of {len(measured)} proved: {rest}"


@dataclass(frozen=True, kw_only=True)
class LatePart:
    """The content of the part of a run's page on late proofs; no table if there is none.

    `allowed` lists the tolerances, and `checks` what each check compares.
    """

    verdict: str
    failed: Sequence[LateProof]
    table: DeviationTable | None
    allowed: str
    checks: Pairs

    @staticmethod
    def of(results: Results) -> LatePart:
        """From the results of a run."""
        proofs, terms = results.late_proofs, results.snapshot.proof
        every = [check for proof in proofs for check in proof.checks]
        names = [name for name, _ in terms.late_checks if name in {check.name for check in every}]
        allowed = grouped(every, lambda check: check.name)
        return LatePart(
            verdict=late_verdict(results),
            failed=[proof for proof in proofs if proof.status != "ok"],
            table=_table(proofs, names, results.snapshot) if proofs else None,
            allowed=", ".join(
                f"{name} {_range([check.tolerance for check in allowed[name]])}" for name in names
            ),
            checks=tuple(pair for pair in terms.late_checks if pair[0] in names),
        )


def _table(proofs: Sequence[LateProof], names: Sequence[str], snapshot: Snapshot) -> DeviationTable:
    """The largest deviations of each framework and mode over all tasks."""
    rows = []
    by_mode = grouped(proofs, lambda proof: _framework_and_mode(proof.cell, snapshot))
    for key, group in by_mode.items():
        proved = sum(proof.status == "ok" for proof in group)
        figures = worst_figures(chain.from_iterable(proof.checks for proof in group), names)
        rows.append([*key, f"{proved} of {len(group)}", *figures])
    return DeviationTable(
        headings=["framework", "mode", "cells proved", *names],
        rows=rows,
        tasks=len({proof.cell.task for proof in proofs}),
    )


def _framework_and_mode(cell: Cell, snapshot: Snapshot) -> tuple[str, str]:
    words = [mode_text(cell.mode, cell.tuning)]
    words += [cell.device] * (cell.device != "cpu")
    words += [cell.precision] * (cell.precision != "float32")
    return snapshot.framework_title(cell.framework), ", ".join(words)


def _range(values: Sequence[float]) -> str:
    """A tolerance, or the least and the largest where tasks have their own."""
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
