"""The results of a run: everything that reports, advice and comparisons need, computed once.

Records take one path: `processes` reads each record by itself, `cell_estimates` combines the
records of a cell, `cell_ranks` compares cells, and `Results` puts them into the report's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.analysis import (
    agreement,
    cell_ranks,
    final_metrics,
    findings,
    outlying_metrics,
    timed_work,
)
from bench.analysis.cell_estimates import estimate
from bench.analysis.cell_frame import frame
from bench.analysis.cell_summary import CellSummary, by_conditions, conditions
from bench.analysis.contention import Cleanness
from bench.analysis.final_metrics import FinalsByWork, Metrics
from bench.analysis.processes import Process, by_cell, processes
from bench.analysis.roofline import Peak, Rates, peaks, use
from bench.core.grouping import grouped
from bench.core.record import Cell, Record
from bench.proof.certificate import Certificate
from bench.proof.late_proof import LateProof
from bench.records.run_folder import Run
from bench.records.snapshot import Caveat, Snapshot

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """Cells that were measured under the same conditions, and so can be compared.

    `summaries` begin with the fastest and end with those that are not ok. `processes` are those of
    all these cells, in the order of the run. `metric_p_value` is the p-value of the differences
    in the final metric for its task and precision if only seeds cause them; None if too few cells
    were repeated.
    """

    summaries: tuple[CellSummary, ...]
    processes: tuple[Process, ...]
    metric_p_value: float | None

    @property
    def cell(self) -> Cell:
        """The first cell, which stands for the conditions of all."""
        return self.summaries[0].cell

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.cell.task

    @property
    def ok(self) -> list[CellSummary]:
        """The cells that are ok, fastest first."""
        return [summary for summary in self.summaries if summary.ok]

    @cached_property
    def by_cell(self) -> Mapping[Cell, Sequence[Process]]:
        """The processes of each cell."""
        return by_cell(self.processes)


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results of a run, or of a part of one.

    `summaries` have one entry for each cell, in the order in which the cells first appear. `tables`
    group them by conditions, headline tasks first. `peaks` are the machine's, by device and
    threads. `certificates` are limited to the tasks of the summaries, `late_proofs` to their cells.
    """

    run: Run
    processes: tuple[Process, ...]
    summaries: tuple[CellSummary, ...]
    tables: tuple[ResultTable, ...]
    peaks: Mapping[tuple[str, int], Peak]
    certificates: tuple[Certificate, ...]
    late_proofs: tuple[LateProof, ...]
    cleanness: Cleanness

    @staticmethod
    def of(run: Run) -> Results:
        """The results of a run, or of a part of one. Raises UsageError for a broken snapshot."""
        measured = tuple(processes(run.records, run.line))
        finals = final_metrics.by_work(run.records, run.snapshot.metric)
        machine = peaks(Rates.from_fields(rates) for rates in run.info.get("rates", []))
        found = (
            *timed_work.findings(run.records),
            *timed_work.busy_threads(run.records, run.snapshot),
            *timed_work.above_peak(measured, run.snapshot, machine),
            *agreement.findings(run.records, run.snapshot.task),
        )
        late = {proof.cell: proof.reason for proof in run.late_proofs if proof.status == "wrong"}
        summaries = tuple(
            _with_use(summary, run.snapshot, machine)
            for summary in summarize_processes(
                measured, run.snapshot.metric, finals, {**findings.by_cell(found), **late}
            )
        )
        tasks = {summary.cell.task for summary in summaries}
        cells = {summary.cell for summary in summaries}
        return Results(
            run=run,
            processes=measured,
            summaries=summaries,
            tables=_tables(run, summaries, measured, final_metrics.p_values(finals)),
            peaks=machine,
            certificates=tuple(
                certificate for certificate in run.certificates if certificate.claim.task in tasks
            ),
            late_proofs=tuple(proof for proof in run.late_proofs if proof.cell in cells),
            cleanness=Cleanness.of(
                run.records, [process.contended for process in measured if process.contended]
            ),
        )

    @property
    def snapshot(self) -> Snapshot:
        """The tasks and frameworks as they were when the run was made."""
        return self.run.snapshot

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Caveats that a reader of the figures must know."""
        return self.run.caveats

    @property
    def ok(self) -> bool:
        """Whether every cell is ok."""
        return all(summary.ok for summary in self.summaries)

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The names of the run's frameworks, in the order of their first records."""
        return tuple(dict.fromkeys(summary.cell.framework for summary in self.summaries))

    def frame(self) -> pd.DataFrame:
        """Every figure of every cell, one row for each cell, in the order of the tables.

        `bench.analysis.cell_frame` lists the columns.
        """
        return frame(summary for table in self.tables for summary in table.summaries)


def summarize(records: Iterable[Record], metrics: Metrics) -> list[CellSummary]:
    """A summary for each cell, in the order in which the cells first appear.

    `metrics` are those of the tasks, by name. A cell whose final metric seeds do not explain is
    `wrong`, and so is one whose records show by themselves that they were not timed as they should.
    """
    records = list(records)
    return summarize_processes(
        processes(records),
        metrics,
        final_metrics.by_work(records, metrics),
        findings.by_cell(timed_work.findings(records)),
    )


def summarize_processes(
    measured: Sequence[Process],
    metrics: Metrics,
    finals: FinalsByWork,
    wrong: Mapping[Cell, str],
) -> list[CellSummary]:
    """As `summarize`, from processes and their final metrics.

    `wrong` has what else was found about cells, in words.
    """
    summaries = {
        cell: estimate(cell, repeats, metrics(cell.task))
        for cell, repeats in by_cell(measured).items()
    }
    records = [process.record for process in measured]
    reasons = {  # the last is told: metrics follow from what was done, and may have other causes
        **findings.by_cell(outlying_metrics.findings(records, metrics)),
        **final_metrics.unexplained(finals),
        **wrong,
    }
    for cell, reason in reasons.items():
        if cell in summaries and summaries[cell].ok:
            summaries[cell] = replace(summaries[cell], status="wrong", reason=reason)
    for group in by_conditions(summary for summary in summaries.values() if summary.ok).values():
        summaries.update({summary.cell: summary for summary in cell_ranks.ranked(group)})
    return [cell_ranks.with_gains(summary, summaries) for summary in summaries.values()]


def _with_use(
    summary: CellSummary, snapshot: Snapshot, machine: Mapping[tuple[str, int], Peak]
) -> CellSummary:
    """With its FLOPs and its use of the machine's peak, as far as they are known.

    A cell that is not ok has no use, because it may not do the task's work. Nor has a cell in
    another precision than float32, in which the peak is measured.
    """
    cell = summary.cell
    task = snapshot.task(cell.task)
    if task is None:
        return summary
    summary = replace(summary, flops_per_example=task.flops_per_example)
    peak = machine.get((cell.device, cell.threads))
    if not (peak and summary.ok and summary.throughput and cell.precision == "float32"):
        return summary
    return replace(
        summary,
        use=use(
            summary.throughput.estimate,
            flops=task.flops_per_example,
            moved=task.step_bytes / task.batch,
            peak=peak,
        ),
    )


def _tables(
    run: Run,
    summaries: Sequence[CellSummary],
    measured: Iterable[Process],
    p_values: Mapping[tuple[str, str], float],
) -> tuple[ResultTable, ...]:
    tables = by_conditions(summaries)
    shared_by = {summary.cell: conditions(summary.cell) for summary in summaries}
    table_processes = grouped(measured, lambda process: shared_by[process.record.job.cell])

    def position(shared: tuple[object, ...]) -> tuple[object, ...]:
        """A sort key: headline tasks first, then by the conditions in their order."""
        return (not run.snapshot.headline(str(shared[0])), *shared)

    return tuple(
        ResultTable(
            summaries=tuple(sorted(tables[shared], key=_order)),
            processes=tuple(table_processes[shared]),
            metric_p_value=p_values.get(
                (tables[shared][0].cell.task, tables[shared][0].cell.precision)
            ),
        )
        for shared in sorted(tables, key=position)
    )


def _order(summary: CellSummary) -> tuple[bool, float, float]:
    """A sort key: the fastest first, and cells that are not ok last.

    By the ratio in shared blocks, as ranks are: some cells may lack a block that slowed the others.
    """
    relative = summary.relative.estimate if summary.relative else 0.0
    return not summary.ok, -relative, -(summary.samples_per_second or 0.0)
