"""What a run's page says first: how far to trust it, what to take, and who is fast at what."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.advice import personas
from bench.advice.assessment import assess
from bench.advice.evidence import Evidence
from bench.advice.ranking import rank_frameworks
from bench.analysis.cell_summary import CellSummary
from bench.analysis.results import Results, ResultTable
from bench.core.errors import UsageError
from bench.core.grouping import grouped
from bench.report.advice.titles import archived_text, titled
from bench.report.common.text import (
    estimate_text,
    mode_text,
    per_cent,
    place_text,
    ratio_text,
)
from bench.report.common.ties import listed
from bench.report.run import verdicts

# Blocks from which on a table can tell cells apart that are not very different.
FEW_BLOCKS = 3
# Those of a standard run.
FULL_BLOCKS = 5


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """A framework on a task, by its fastest mode.

    `text` is the speed relative to the fastest framework, `shade` the same as a number from 0 to 1,
    None without one; `low` and `high` are the ends of its interval, at most 1. `mark` is "=" where
    it is tied with the fastest, "?" where it can't be told from it yet, and "" otherwise. `state`
    is "ok", "failed" or "missing", and `about` the whole story in words.
    """

    text: str
    shade: float | None
    low: float | None
    high: float | None
    mark: str
    state: str
    about: str


@dataclass(frozen=True, kw_only=True)
class HeatColumn:
    """A framework, and the geometric mean of its cells if it has one of each task.

    `archived` says since when its project is, or is empty.
    """

    framework: str
    title: str
    archived: str
    mean: float | None

    @property
    def mean_text(self) -> str:
        """The mean in per cent; empty without one."""
        return "" if self.mean is None else f"{per_cent(self.mean)} %"


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """A task with a cell for each framework, and a verdict of a few words.

    `anchor` is the id of the task's section.
    """

    task: str
    anchor: str
    cells: Sequence[HeatCell]
    brief: str


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """All tasks by the frameworks under the same conditions, best mean first.

    `place` are the conditions in words.
    """

    place: str
    columns: Sequence[HeatColumn]
    rows: Sequence[HeatRow]


def trust(results: Results) -> str:
    """Why this run's ratios are not to be trusted, in a sentence; empty if they may be."""
    cleanness = results.cleanness
    if cleanness.mostly_contended:
        return (
            f"Do not trust this run: others disturbed it ({cleanness}). Measure again with "
            "less running beside it."
        )
    compared = [summary for table in results.tables for summary in table.ok if len(table.ok) > 1]
    blocks = max((len(summary.throughputs) for summary in compared), default=0)
    if compared and blocks < FEW_BLOCKS:
        short = f"This run is short: {blocks} blocks tell apart only what differs much."
        if blocks == 1:
            short = "One block tells nothing of which framework is faster."
        return f"{short} {_how_to_lengthen(results, FULL_BLOCKS - blocks)}"
    return ""


def _how_to_lengthen(results: Results, blocks: int) -> str:
    name = results.run.folder.name
    if not results.run.finished:
        return f"Finish it: framebench run --resume {name}"
    if (results.run.info.get("request") or {}).get("shard"):
        return "Merge it with the other shards: framebench merge"
    return f"Make it longer: framebench run --add-blocks {blocks} {name}"


def advice(results: Results) -> str:
    """Which framework to take without special wishes, in a sentence; empty if nothing says so."""
    evidence = Evidence.of(results)
    if len(evidence.completed) < 2:
        return ""
    weights = personas.weights(personas.load(personas.DEFAULT))
    try:
        ranking = rank_frameworks(assess(evidence), weights, evidence.frameworks)
    except UsageError:
        return ""
    first = ranking.standings[0]
    if not ranking.repeated or not first.rank:
        return ""
    equal = [standing for standing in ranking.standings if standing.framework in first.tied]
    why = "by the mean of pace, start, memory, size, code, upkeep and what it can do"
    if equal:
        names = listed([titled(standing) for standing in (first, *equal)])
        return f"Without special wishes, take any of {names}: {why}, they can't be told apart."
    return f"Without special wishes, take {titled(first)}: it suits best {why}."


def brief(table: ResultTable, titles: Mapping[str, str]) -> str:
    """The verdict on a table in a few words: "JAX, 1.7 times; then a tie"."""
    order = verdicts.fastest_of_each(table.ok)
    if not order:
        return "nothing measured"
    if len(order) == 1:
        return f"{_title(order[0], titles)} alone"
    leaders = verdicts.leading(table)
    if not leaders:
        return "can't be told yet"
    if len(leaders) > 1:
        return _tie(leaders, titles, of=len(order))
    second, *rest = [cell for cell in order if cell.cell.framework != leaders[0].cell.framework]
    lead = f", {ratio_text(1 / second.relative.estimate)} times" if second.relative else ""
    tied = bool(rest) and rest[0].cell in second.tied_with
    return f"{_title(leaders[0], titles)}{lead}; then {'a tie' if tied else _title(second, titles)}"


def _tie(leaders: Sequence[CellSummary], titles: Mapping[str, str], *, of: int) -> str:
    """The fastest and those tied with it, of so many frameworks, in a few words."""
    first, *others = leaders
    alike = [other for other in others if verdicts.alike([first, other])]
    names = [_title(summary, titles) for summary in (first, *alike)]
    if not alike:
        return "can't be told yet"
    if len(alike) < len(others):
        return f"{' = '.join(names)}; others can't be told yet"
    if any(second.cell not in one.tied_with for one, second in combinations(leaders, 2)):
        return f"{names[0]}, tied with {listed(names[1:], 'or')}"
    if len(leaders) < of:
        return " = ".join(names)
    return "all tied" if of > 2 else "tied"


def _title(summary: CellSummary, titles: Mapping[str, str]) -> str:
    return titles[summary.cell.framework]


def heat_maps(results: Results, anchors: Sequence[str]) -> Iterator[HeatMap]:
    """A map for each set of conditions with several frameworks.

    `anchors` are the ids of the sections of the tables, in their order.
    """
    anchor_of = {id(table): anchor for table, anchor in zip(results.tables, anchors, strict=True)}
    names = {name: results.snapshot.framework_title(name) for name in results.frameworks}
    for tables in grouped(results.tables, _conditions).values():
        frameworks = dict.fromkeys(
            summary.cell.framework for table in tables for summary in table.summaries
        )
        if len(frameworks) < 2:
            continue
        cells = {name: [_cell(name, table) for table in tables] for name in frameworks}
        columns = [_column(name, names[name], own) for name, own in cells.items()]
        columns.sort(key=lambda column: (column.mean is None, -(column.mean or 0.0)))
        rows = [
            HeatRow(
                task=table.task,
                anchor=anchor_of[id(table)],
                cells=[cells[column.framework][place] for column in columns],
                brief=brief(table, names),
            )
            for place, table in enumerate(tables)
        ]
        yield HeatMap(place=place_text(tables[0].cell), columns=columns, rows=rows)


def _conditions(table: ResultTable) -> tuple[object, ...]:
    """What the tables of a map share."""
    cell = table.cell
    return (cell.device, cell.precision, cell.threads, cell.feed)


def _column(framework: str, title: str, cells: Sequence[HeatCell]) -> HeatColumn:
    shades = [cell.shade for cell in cells if cell.shade]
    mean = statistics.geometric_mean(shades) if len(shades) == len(cells) else None
    archived = archived_text(framework)
    return HeatColumn(framework=framework, title=title, archived=archived, mean=mean)


def _cell(framework: str, table: ResultTable) -> HeatCell:
    """A framework's cell in the row of a table."""
    every = [summary for summary in table.summaries if summary.cell.framework == framework]
    first = next((summary for summary in every if summary.ok), None)
    if first is None:
        about = "; ".join(f"{summary.status}: {summary.reason}" for summary in every)
        return HeatCell(
            text=every[0].status if every else "–",
            shade=None,
            low=None,
            high=None,
            mark="",
            state="failed" if every else "missing",
            about=about or "not in this run",
        )
    ratio, mark = first.relative, _mark(framework, verdicts.leading(table))
    mode = mode_text(first.cell.mode, first.cell.tuning)
    known = ratio is not None and ratio.known
    return HeatCell(
        text=f"{per_cent(ratio.estimate)} %" if ratio else "?",
        shade=min(1.0, ratio.estimate) if ratio else None,
        low=min(1.0, ratio.low) if ratio and known else None,
        high=min(1.0, ratio.high) if ratio and known else None,
        mark=mark,
        state="ok",
        about=(f"{mode}: {estimate_text(ratio, per_cent)} % of the fastest" if ratio else mode)
        + {"=": ", tied for fastest", "?": ", can't be told from the fastest yet"}.get(mark, ""),
    )


def _mark(framework: str, leaders: Sequence[CellSummary]) -> str:
    """How a framework stands to the fastest, if others may be it, too, and if it is one of them.

    The fastest itself is tied if any of them is alike.
    """
    own = next((cell for cell in leaders if cell.cell.framework == framework), None)
    if own is None or len(leaders) < 2:
        return ""
    first, *others = leaders
    beside = others if own is first else [own]
    return "=" if any(verdicts.alike([first, other]) for other in beside) else "?"
