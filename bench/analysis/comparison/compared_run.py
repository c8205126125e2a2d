"""One of two runs that are compared, limited to some of its cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cell_summary import CellSummary
from bench.analysis.contention import Cleanness
from bench.analysis.results import Results
from bench.analysis.roofline import Peak
from bench.core.record import Cell, Record
from bench.records.run_folder import Run
from bench.records.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """The summaries and records, by cell, of those cells of a run that are compared.

    Summaries are those of the whole run, because the blocks that count depend on all its cells.
    `cleanness` is that of the compared cells, `peaks` the machine's, by device and threads.
    """

    run: Run
    summaries: Mapping[Cell, CellSummary]
    records: Mapping[Cell, Sequence[Record]]
    cleanness: Cleanness
    peaks: Mapping[tuple[str, int], Peak]

    @staticmethod
    def of(
        results: Results, *, tasks: Sequence[str] = (), frameworks: Sequence[str] = ()
    ) -> ComparedRun:
        """A run's cells of the named tasks and frameworks; of all, where none is named."""
        summaries = {
            summary.cell: summary
            for summary in results.summaries
            if (not tasks or summary.cell.task in tasks)
            and (not frameworks or summary.cell.framework in frameworks)
        }
        processes = [each for each in results.processes if each.record.job.cell in summaries]
        records: dict[Cell, list[Record]] = defaultdict(list)
        for process in processes:
            records[process.record.job.cell].append(process.record)
        return ComparedRun(
            run=results.run,
            summaries=summaries,
            records=records,
            cleanness=Cleanness.of(
                [process.record for process in processes],
                [process.contended for process in processes if process.contended],
            ),
            peaks=results.peaks,
        )

    @property
    def snapshot(self) -> Snapshot:
        """What the run says of the tasks and frameworks that it measured."""
        return self.run.snapshot

    @property
    def repeats(self) -> int:
        """The number of blocks that were measured."""
        blocks = (record.job.block for records in self.records.values() for record in records)
        return max(blocks, default=-1) + 1
