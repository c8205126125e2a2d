"""A run's tables as texts and rounded figures, from which each form is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.cell_summary import CellSummary
from bench.analysis.final_metrics import SURE
from bench.analysis.results import Results, ResultTable
from bench.records import consistency
from bench.records.snapshot import Snapshot
from bench.report.common.text import (
    WIDEST,
    bytes_text,
    capitalized,
    count_text,
    estimate_text,
    mode_text,
    per_cent,
    place_text,
    seconds_text,
    unsure_line,
)
from bench.report.run import notes
from bench.report.run.peak_text import share_text
from bench.report.run.verdicts import sentence

SAMPLES = "samples/s (95 % interval)"
RELATIVE = "relative, % (95 % interval)"
OF_PEAK = "of peak"
METRIC = "test metric"

# What each column holds and how to read it, in the order of the columns.
ABOUT = {
    "rank": "the ranks that it may have, such as 2-3: from 1 plus the number of cells that are "
    "surely faster, to the number of cells less those that are surely slower; empty if unknown. At "
    "95 % for all pairs of the table together",
    "framework": "the framework that trained",
    "mode": "how it runs the network: eagerly, or compiled in one way or another",
    "status": "ok, or why there are no figures",
    SAMPLES: "training samples a second: those of a process's windows by their "
    f"seconds, geometric mean of repeats. After ~, the ends of the interval are more than {WIDEST} "
    "times apart",
    RELATIVE: "samples/s over those of the fastest under the same conditions: "
    "geometric mean of the ratios in each block. The interval is for this ratio alone",
    OF_PEAK: "model FLOPs a second over the machine's peak, and what bounds the cell",
    METRIC: "the task's metric after the last epoch, median over repeats",
    "import": "importing the framework",
    "build": "making the network and its optimizer, and setting the weights; includes imports that "
    "happen only then, such as PyTorch's compiler, which its optimizers import in eager mode too",
    "first step": "the first training step: tracing, compiling, allocating",
    "memory": "peak memory of a process; on a GPU, peak device memory of its tensors",
}
HEADINGS = tuple(ABOUT)
# Columns whose best values are the largest.
_LARGEST_BEST = {SAMPLES, RELATIVE, OF_PEAK}


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A cell's texts under `HEADINGS`, and the values by which a reader may sort each column."""

    summary: CellSummary
    texts: tuple[str, ...]
    sorts: tuple[object, ...]

    @staticmethod
    def of(summary: CellSummary, snapshot: Snapshot) -> TableRow:
        """A cell's row; the text and the sort value of an unknown figure are empty."""
        cell, use = summary.cell, summary.use
        rank = int(summary.rank.partition("-")[0]) if summary.rank else None
        relative = summary.relative.estimate if summary.relative else None
        metric = summary.metric.median if summary.metric else None
        figures: tuple[tuple[str, object], ...] = (
            (summary.rank, rank),
            (snapshot.framework_title(cell.framework), cell.framework),
            (mode_text(cell.mode, cell.tuning), cell.mode),
            (summary.status, summary.status),
            (estimate_text(summary.throughput, count_text), summary.samples_per_second),
            (estimate_text(summary.relative, per_cent), relative),
            (share_text(use) if use else "", use.share if use else None),
            (_text(metric, snapshot.metric(cell.task).text), metric),
            (_text(summary.import_seconds, seconds_text), summary.import_seconds),
            (_text(summary.build_seconds, seconds_text), summary.build_seconds),
            (_text(summary.first_step, seconds_text), summary.first_step),
            (_text(summary.memory_bytes, bytes_text), summary.memory_bytes),
        )
        return TableRow(
            summary=summary,
            texts=tuple(text for text, _ in figures),
            sorts=tuple("" if value is None else value for _, value in figures),
        )


def _text(value: float | None, text: Callable[[float], str]) -> str:
    return "" if value is None else text(value)


@dataclass(frozen=True, kw_only=True)
class TaskTable:
    """A table of cells that can be compared, as people read it.

    `caption` is `name` and the conditions. `largest_best` are the headings of the columns whose
    best values are the largest. `data_line` names the data that were trained on, and `synthetic`
    says whether they were synthetic. `metric_line` says whether final metrics agree, as the proof
    predicts; it is empty for a single cell. `warnings` say what went wrong, `notes` what else is
    worth knowing.
    """

    table: ResultTable
    name: str
    caption: str
    verdict: str
    metric: str
    largest_best: frozenset[str]
    rows: tuple[TableRow, ...]
    synthetic: bool
    data_line: str
    metric_line: str
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @staticmethod
    def of(table: ResultTable, snapshot: Snapshot, *, planned: int) -> TaskTable:
        """A table of a run with that snapshot, in which so many repeats were `planned`."""
        verdict = sentence(table, snapshot)
        metric = snapshot.metric(table.task)
        of_metric = {f"test {metric.name}"} if metric.better == "more" else set()
        name = f"{table.task}: {snapshot.task_title(table.task)}"
        length = table.processes[0].record.job.budget.length
        data = "; ".join(sorted({summary.data for summary in table.summaries} - {""})) or "none"
        return TaskTable(
            table=table,
            name=name,
            caption=f"{name} — {place_text(table.cell)} — {_amount(table, planned)}",
            verdict=capitalized(verdict),
            metric=metric.name,
            largest_best=frozenset(_LARGEST_BEST | of_metric),
            rows=tuple(TableRow.of(summary, snapshot) for summary in table.summaries),
            synthetic="synthetic" in data,
            data_line=_data_line(data, table),
            metric_line=metric_line(metric.name, table.metric_p_value, cells=len(table.ok)),
            warnings=tuple(notes.warnings(table.summaries, snapshot)),
            notes=(
                *notes.only_alone(table.ok, snapshot),
                *notes.gains(table.summaries, snapshot),
                *notes.published(table.task, length, table.summaries, snapshot),
                *unsure_line(
                    interval
                    for summary in table.summaries
                    for interval in (summary.throughput, summary.relative)
                ),
            ),
        )

    @property
    def columns(self) -> dict[str, str]:
        """`ABOUT`, with the name of the task's own metric."""
        return {
            f"test {self.metric}" if heading == METRIC else heading: about
            for heading, about in ABOUT.items()
        }


def task_tables(results: Results) -> list[TaskTable]:
    """One table for each set of conditions, in the order of the results."""
    planned = consistency.planned_repeats(results.run.info)
    return [TaskTable.of(table, results.snapshot, planned=planned) for table in results.tables]


def _amount(table: ResultTable, planned: int) -> str:
    """The amount of training: batch, epochs, examples, repeats; fewer of these than planned."""
    first = table.processes[0].record
    budget = first.job.budget
    examples = f"{budget.train_examples:,}" if budget.train_examples else "all"
    epochs = "1 epoch" if budget.epochs == 1 else f"{budget.epochs} epochs"
    words = [f"batch {first.batch}", f"{epochs} of {examples} examples"]
    if budget.length:
        words.append(f"{budget.length} tokens")
    repeats = max(summary.repeats for summary in table.summaries)
    if repeats < planned:
        words.append(f"{repeats} of {planned} repeats")
    else:
        words.append("1 repeat" if repeats == 1 else f"{repeats} repeats")
    # A cell that is not ok may lack paces for other reasons; one that is ok lacks no others.
    quiet = [len(each.throughputs) for each in table.ok if len(each.throughputs) < each.repeats]
    if quiet:
        words.append(f"paces of the {max(quiet)} that nothing disturbed")
    return ", ".join(words)


def _data_line(data: str, table: ResultTable) -> str:
    """The data that the task was trained on; synthetic data are impossible to overlook."""
    if "synthetic" in data:
        return "data: SYNTHETIC, not the real data set"
    datasets = [process.record.dataset for process in table.processes]
    about = "; ".join(sorted({dataset["note"] for dataset in datasets if dataset} - {""}))
    line = f"data: {data} ({about})" if about else f"data: {data}"
    if "not official" in data:
        line += (
            ": figures on the test set compare with each other, not with those published elsewhere"
        )
    return line


def metric_line(metric: str, p_value: float | None, *, cells: int) -> str:
    """Whether the final metrics of `cells` ok cells differ; empty for a single cell."""
    name = capitalized(metric)
    if p_value is None:
        few = f"{name}: too few repeats to tell whether seeds alone explain the differences"
        return few if cells > 1 else ""
    differ = "they differ by more than seeds explain" if p_value < SURE else "no difference found"
    return f"{name}: {differ} ({p_text(p_value)})"


def p_text(p_value: float) -> str:
    """A p-value in two significant digits: p = 0.42."""
    return "p > 0.99" if p_value > 0.99 else f"p = {p_value:.2g}"
