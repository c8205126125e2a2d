"""What a framework that is a layer over another costs: its pace over that of the one beneath it.

Both are taken in the mode that each recommends, in the blocks that they share, so that the ratio is
that of two processes that took turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval, ratio
from bench.analysis.processes import Process
from bench.analysis.results import ResultTable
from bench.core.measurement import Windows
from bench.records.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """A cell of a layer, and the cell of the framework beneath it under the same conditions.

    `ratio` is how many times as fast as that the layer is. `start_seconds` is what it takes to
    start the layer's own loop, as often as it is started; None if it has none.
    """

    upper: CellSummary
    beneath: CellSummary
    ratio: Interval
    start_seconds: float | None


def layer_costs(table: ResultTable, snapshot: Snapshot) -> Iterator[LayerCost]:
    """The costs of all layers in a table, fastest first."""
    recommended = {
        (framework.name, framework.recommended): framework for framework in snapshot.frameworks
    }
    usual = {
        (summary.cell.framework, summary.cell.tuning): summary
        for summary in table.ok
        if (summary.cell.framework, summary.cell.mode) in recommended
    }
    for (name, tuning), summary in usual.items():
        beneath = usual.get((recommended[name, summary.cell.mode].beneath, tuning))
        known = beneath and ratio(summary.throughputs, beneath.throughputs)
        if beneath and known:
            yield LayerCost(
                upper=summary,
                beneath=beneath,
                ratio=known,
                start_seconds=start_seconds(table.by_cell[summary.cell]),
            )


def start_seconds(processes: Sequence[Process]) -> float | None:
    """Seconds to start a loop: the median over processes of `intercept`; None if unknown."""
    measured = (process.record.measurement for process in processes)
    known = [intercept(m.windows) for m in measured if m]
    intercepts = [seconds for seconds in known if seconds is not None]
    return statistics.median(intercepts) if intercepts else None


def intercept(windows: Windows) -> float | None:
    """The seconds of a window that do not depend on the number of its steps, 0 at least.

    From windows of one step, of which each turn has one, and the longest, by their medians. None if
    all are equally long.
    """
    longest = max(windows.steps)
    each = list(zip(windows.wall, windows.steps, strict=True))
    single = [wall for wall, steps in each if steps == 1]
    long = [wall for wall, steps in each if steps == longest]
    if longest == 1 or not single:
        return None
    whole, one = statistics.median(long), statistics.median(single)
    pace = (whole - one) / (longest - 1)
    return max(0.0, one - pace)
