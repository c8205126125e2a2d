"""The late proofs of a run: whether what was timed was still the task at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.results import Results
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.proof.late_proof import LateProof
from bench.records.partial_run import PROVED_ELSEWHERE, is_part
from bench.records.snapshot import Pairs, Snapshot
from bench.report.proof.proof_forms import (
    DeviationTable,
    framework_and_mode,
    proved_text,
    worst_deviations,
)


def late_verdict(results: Results) -> str:
    """Of how many measured cells it is proved that they still trained their task, in words."""
    proofs, run = results.late_proofs, results.run
    part = is_part(run.info)
    if not proofs:
        # A shard proves its ends when all is measured.
        elsewhere = part and (run.finished or not run.shard)
        none = "not proved, because this run has no late proofs"
        return PROVED_ELSEWHERE if elsewhere else none
    proved = {proof.cell for proof in proofs}
    others = {summary.cell for summary in results.summaries if summary.ok} - proved
    # A cell is proved once in the whole run, so a part of it is not blamed for the others.
    expected = len(proved) if part else len(proved | others)
    text = proved_text(
        [proof.status for proof in proofs],
        expected,
        wrong="no longer trained the task",
        unknown="not proved after the timing",
        whole="all still trained the task",
    )
    if not others or not part:
        return text
    cells = "cell is" if len(others) == 1 else f"{len(others)} cells are"
    return f"{text}; the other {cells} proved in other shards"


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
    by_mode = grouped(proofs, lambda proof: _framework_and_mode(proof.cell, snapshot))
    return worst_deviations(
        by_mode,
        names,
        proved="cells proved",
        tasks=len({proof.cell.task for proof in proofs}),
    )


def _framework_and_mode(cell: Cell, snapshot: Snapshot) -> tuple[str, str]:
    """With the precision too, as cells of all precisions are in one table."""
    title, mode = framework_and_mode(cell, snapshot)
    return title, mode if cell.precision == "float32" else f"{mode}, {cell.precision}"


def _range(values: Sequence[float]) -> str:
    """A tolerance, or the least and the largest where tasks have their own."""
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
