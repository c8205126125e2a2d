"""The results of a run: all that its reports, advice and comparisons say, worked out once.

Records go down one way: `processes` reads each by itself, `cell_estimates` those of a cell
together, `cell_ratios` holds cells against each other, and `Results` sets them in the order of
the report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.analysis import accuracy, cell_ratios
from bench.analysis.cell_estimates import estimate
from bench.analysis.cell_frame import frame
from bench.analysis.cell_summary import CellSummary, conditions
from bench.analysis.contention import Cleanness
from bench.analysis.processes import Process, processes
from bench.analysis.roofline import Peak, Rates, peaks, use
from bench.core.record import Cell, Record
from bench.proof.certificate import Certificate
from bench.records.run_folder import Run
from bench.records.snapshot import Caveat, Snapshot

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """Cells that can be compared, as they were measured under the same conditions.

    `summaries` begin with the fastest and end with those that are not ok; `processes` are those
    of all its cells, in the order of the run. `accuracy_p_value` is how likely the final accuracies
    of its task and precision are to differ so by seeds alone; None where too few were repeated.
    """

    summaries: tuple[CellSummary, ...]
    processes: tuple[Process, ...]
    accuracy_p_value: float | None

    @property
    def cell(self) -> Cell:
        """A cell that tells the conditions: the first."""
        return self.summaries[0].cell

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.cell.task

    @property
    def ok(self) -> list[CellSummary]:
        """The cells that are ok, the fastest first."""
        return [summary for summary in self.summaries if summary.ok]

    @cached_property
    def by_cell(self) -> Mapping[Cell, Sequence[Process]]:
        """The processes of each cell."""
        found: dict[Cell, list[Process]] = defaultdict(list)
        for process in self.processes:
            found[process.record.job.cell].append(process)
        return found


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that a run tells.

    `summaries` have one entry a cell, in the order in which the cells first appear; `tables` are
    the same by conditions, headline tasks first. `peaks` are the machine's, by device and threads.
    `certificates` are those of the tasks that are there: it may be part of a run.
    """

    run: Run
    processes: tuple[Process, ...]
    summaries: tuple[CellSummary, ...]
    tables: tuple[ResultTable, ...]
    peaks: Mapping[tuple[str, int], Peak]
    certificates: tuple[Certificate, ...]
    cleanness: Cleanness

    @staticmethod
    def of(run: Run) -> Results:
        """The results of a run, or of a part of one. Raises UsageError for a broken snapshot."""
        measured = tuple(processes(run.records))
        machine = peaks(Rates.from_fields(rates) for rates in run.info.get("rates", []))
        summaries = tuple(
            _with_use(summary, run.snapshot, machine)
            for summary in summarize_processes(measured, _targets(run.snapshot))
        )
        tasks = {summary.cell.task for summary in summaries}
        certificates = map(Certificate.from_fields, run.info.get("certificates", []))
        return Results(
            run=run,
            processes=measured,
            summaries=summaries,
            tables=_tables(run, summaries, measured),
            peaks=machine,
            certificates=tuple(one for one in certificates if one.claim.task in tasks),
            cleanness=Cleanness.of(
                run.records, [process.contended for process in measured if process.contended]
            ),
        )

    @property
    def snapshot(self) -> Snapshot:
        """What was measured, as it was then."""
        return self.run.snapshot

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What a reader of the figures must know."""
        return self.snapshot.caveats

    @property
    def ok(self) -> bool:
        """Whether every cell is ok."""
        return all(summary.ok for summary in self.summaries)

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The names of the frameworks that are there, in the order of their first records."""
        return tuple(dict.fromkeys(summary.cell.framework for summary in self.summaries))

    def frame(self) -> pd.DataFrame:
        """Every figure of every cell, a row a cell, in the order of the tables.

        `bench.analysis.cell_frame` says what the columns hold.
        """
        return frame(summary for table in self.tables for summary in table.summaries)


def summarize(
    records: Iterable[Record], targets: Mapping[str, float] | None = None
) -> list[CellSummary]:
    """One summary a cell, in the order in which the cells first appear.

    `targets` are the accuracies that tasks are to reach, by name. A cell that ends at an accuracy
    which its seeds do not explain is `wrong`.
    """
    return summarize_processes(processes(records), targets or {})


def summarize_processes(
    measured: Sequence[Process], targets: Mapping[str, float]
) -> list[CellSummary]:
    """As `summarize`, from processes whose figures are already worked out."""
    by_cell: dict[Cell, list[Process]] = defaultdict(list)
    for process in measured:
        by_cell[process.record.job.cell].append(process)
    summaries = {
        cell: estimate(cell, repeats, targets.get(cell.task)) for cell, repeats in by_cell.items()
    }
    unexplained = accuracy.unexplained(
        process.record for repeats in by_cell.values() for process in repeats
    )
    for cell, reason in unexplained.items():
        if summaries[cell].ok:
            summaries[cell] = replace(summaries[cell], status="wrong", reason=reason)
    comparable: dict[tuple[object, ...], list[CellSummary]] = defaultdict(list)
    for summary in summaries.values():
        if summary.ok:
            comparable[conditions(summary.cell)].append(summary)
    for group in comparable.values():
        summaries.update({one.cell: one for one in cell_ratios.ranked(group)})
    return [cell_ratios.with_gains(one, summaries) for one in summaries.values()]


def _targets(snapshot: Snapshot) -> dict[str, float]:
    return {task.name: task.metric.target for task in snapshot.tasks}


def _with_use(
    summary: CellSummary, snapshot: Snapshot, machine: Mapping[tuple[str, int], Peak]
) -> CellSummary:
    """With its FLOPs, and what it makes of the machine, as far as they are known.

    What is not ok does not do the task's work, and has no share. Nor has what is not trained in
    float32, in which the peak is measured.
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
    run: Run, summaries: Iterable[CellSummary], measured: Iterable[Process]
) -> tuple[ResultTable, ...]:
    by_conditions: dict[tuple[object, ...], list[CellSummary]] = defaultdict(list)
    for summary in summaries:
        by_conditions[conditions(summary.cell)].append(summary)
    of_table: dict[tuple[object, ...], list[Process]] = defaultdict(list)
    for process in measured:
        of_table[conditions(process.record.job.cell)].append(process)
    p_values = accuracy.p_values(run.records)

    def place(where: tuple[object, ...]) -> tuple[object, ...]:
        """Headline tasks first, then by the conditions in their order."""
        return (not run.snapshot.headline(str(where[0])), *where)

    return tuple(
        ResultTable(
            summaries=tuple(sorted(by_conditions[where], key=_pace)),
            processes=tuple(of_table[where]),
            accuracy_p_value=p_values.get(
                (by_conditions[where][0].cell.task, by_conditions[where][0].cell.precision)
            ),
        )
        for where in sorted(by_conditions, key=place)
    )


def _pace(summary: CellSummary) -> tuple[bool, float]:
    """The fastest first, and last what is not ok."""
    return not summary.ok, -(summary.samples_per_second or 0.0)
