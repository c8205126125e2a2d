"""One of the two runs of a comparison, limited to the compared cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cell_summary import CellSummary
from bench.analysis.contention import Cleanness
from bench.analysis.processes import Process, by_cell
from bench.analysis.results import Results
from bench.analysis.roofline import Peak
from bench.core.framework_name import is_among
from bench.core.record import Cell, Record
from bench.records.run_folder import Run
from bench.records.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """The summaries and processes of a run's compared cells, by cell.

    Summaries are computed from the whole run, because the blocks that count depend on all its
    cells. `cleanness` covers the compared cells only. `peaks` are the machine's, by device and
    threads.
    """

    run: Run
    summaries: Mapping[Cell, CellSummary]
    processes: Mapping[Cell, Sequence[Process]]
    cleanness: Cleanness
    peaks: Mapping[tuple[str, int], Peak]

    @staticmethod
    def of(
        results: Results, *, tasks: Sequence[str] = (), frameworks: Sequence[str] = ()
    ) -> ComparedRun:
        """A run's cells of the named tasks and frameworks; of all, if none is named."""
        summaries = {
            summary.cell: summary
            for summary in results.summaries
            if (not tasks or summary.cell.task in tasks)
            and (not frameworks or any(is_among(summary.cell.framework, f) for f in frameworks))
        }
        compared = [
            process for process in results.processes if process.record.job.cell in summaries
        ]
        return ComparedRun(
            run=results.run,
            summaries=summaries,
            processes=by_cell(compared),
            cleanness=Cleanness.of(
                [process.record for process in compared],
                [process.contended for process in compared if process.contended],
            ),
            peaks=results.peaks,
        )

    @property
    def snapshot(self) -> Snapshot:
        """The run's description of the tasks and frameworks that it measured."""
        return self.run.snapshot

    @property
    def repeats(self) -> int:
        """The number of blocks that were measured."""
        blocks = (
            process.record.job.block for repeats in self.processes.values() for process in repeats
        )
        return max(blocks, default=-1) + 1

    def of_cell(self, cell: Cell) -> list[Record]:
        """The records of one cell."""
        return [process.record for process in self.processes[cell]]
