"""Tables that some runs have: what a layer costs, what an upgrade brings, paces by machine."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bench.analysis.kind_paces import PaceByKind, paces_by_kind
from bench.analysis.layer_costs import LayerCost, layer_costs
from bench.analysis.results import Results
from bench.analysis.upgrades import Upgrade, upgrades
from bench.core.framework_name import framework_of
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.records.node_kinds import NodeKind
from bench.records.snapshot import Snapshot
from bench.report.common import markdown, terminal
from bench.report.common.text import (
    capitalized,
    count_text,
    estimate_text,
    mode_text,
    place_text,
    ratio_text,
    seconds_text,
)
from bench.report.common.ties import listed
from bench.report.run.footer import facts_text
from bench.report.run.verdicts import times_text

WORDS = 3
KINDS = (
    "Training samples a second on each kind of machine, with the 95 % interval of its blocks "
    "alone; empty where a kind has no block of the cell. Ratios are in the tables above, over all "
    "machines."
)
LAYERS = (
    "How many times as fast a layer trains as the framework beneath it does in a loop of its own, "
    "each in its recommended mode, with the 95 % interval of this ratio alone; and what starting "
    "the layer's loop takes each time, as told by windows of different lengths."
)
UPGRADES = (
    "How many times as fast a version trains as the one before it, by the same adapter on the same "
    "batches, with the 95 % interval of this ratio alone. What else pip installs with a version, "
    "such as a build for GPUs, comes with it: the versions below say which."
)


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """A table whose first `WORDS` columns are for words, and a sentence on all of it."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentence: str
    about: str

    def to_terminal(self) -> list[Table | Text]:
        grid = terminal.grid(self.headings, self.rows, words=WORDS, folding=self.headings[:WORDS])
        return [Text(self.title, "bold"), grid, Text(), Text(self.sentence, "bold")]

    def to_markdown(self) -> list[str]:
        return [
            f"## {markdown.escaped(self.title)}",
            markdown.escaped(self.sentence),
            markdown.table(self.headings, self.rows, words=WORDS),
            markdown.escaped(self.about),
        ]


def pair_tables(results: Results) -> Iterator[PairTable]:
    """Those that a run has: on layers and what is beneath them, on versions, on unlike machines."""
    snapshot = results.snapshot
    if costs := [cost for table in results.tables for cost in layer_costs(table, snapshot)]:
        layers = list(grouped(costs, _layer).values())
        families = dict.fromkeys(framework_of(cost.upper.cell.framework) for cost in costs)
        yield PairTable(
            title=f"What {listed([*map(capitalized, families)])} costs",
            headings=("layer", "over", "task", "times as fast", "start"),
            rows=tuple(_layer_row(cost, snapshot) for own in layers for cost in own),
            sentence=_layer_sentence(layers, snapshot),
            about=LAYERS,
        )
    if steps := [step for table in results.tables for step in upgrades(table)]:
        yield PairTable(
            title="What an upgrade brings",
            headings=("from", "to", "task", "times as fast"),
            rows=tuple(_upgrade_row(step, snapshot) for step in steps),
            sentence=_upgrade_sentence(steps, snapshot),
            about=UPGRADES,
        )

    if paces := list(paces_by_kind(results)):
        kinds = results.run.node_kinds
        yield PairTable(
            title="Paces by kind of machine",
            headings=("framework", "mode", "task", *(kind_name(kind) for kind in kinds)),
            rows=tuple(_pace_row(pace, snapshot) for pace in paces),
            sentence=_kinds_sentence(kinds),
            about=KINDS,
        )


def kind_name(kind: NodeKind) -> str:
    """The name of a kind of machine: that of its first node."""
    return f"kind {kind.nodes[0]}"


def _kinds_sentence(kinds: Sequence[NodeKind]) -> str:
    """What each kind of machine is, and how many there are of it."""
    told = [f"{kind_name(kind)} ({len(kind.nodes)} × {facts_text(kind.machine)})" for kind in kinds]
    return f"This run was made on unlike machines: {listed(told)}."


def _pace_row(pace: PaceByKind, snapshot: Snapshot) -> tuple[str, ...]:
    cell = pace.cell
    return (
        snapshot.framework_title(cell.framework),
        mode_text(cell.mode, cell.tuning),
        _where(cell),
        *(estimate_text(throughput, count_text) for throughput in pace.throughputs),
    )


def _where(cell: Cell) -> str:
    return f"{cell.task}, {place_text(cell)}"


def _upgrade_row(step: Upgrade, snapshot: Snapshot) -> tuple[str, ...]:
    older, newer = step.older.cell, step.newer.cell
    mode = mode_text(newer.mode, newer.tuning)
    return (
        f"{snapshot.framework_title(older.framework)} {mode}",
        snapshot.framework_title(newer.framework),
        _where(newer),
        estimate_text(step.ratio, ratio_text),
    )


def _upgrade_sentence(steps: Sequence[Upgrade], snapshot: Snapshot) -> str:
    """The steps whose interval excludes 1, and in how many others there is none or nobody knows.

    A step is told with its mode and conditions if its task has several between these versions.
    """
    sure = [step for step in steps if step.ratio.known and not step.ratio.includes(1)]
    unknown = sum(not step.ratio.known for step in steps)
    alike = len(steps) - len(sure) - unknown
    several = Counter(map(_versions_and_task, steps))
    parts = [
        _step_words(step, snapshot, conditions=several[_versions_and_task(step)] > 1)
        for step in sure
    ]
    rest = []
    if alike:
        where = f"the other {alike}" if sure and not unknown else _comparisons(alike)
        rest.append(f"in {where} no difference is found")
    if unknown:
        rest.append(f"with so few repeats nobody can tell in {_comparisons(unknown)}")
    if not sure:
        return f"{capitalized('; '.join(rest))}."
    return f"{'; '.join([listed(parts), *rest])}."


def _versions_and_task(step: Upgrade) -> tuple[str, str, str]:
    older, newer = step.older.cell, step.newer.cell
    return older.framework, newer.framework, newer.task


def _step_words(step: Upgrade, snapshot: Snapshot, *, conditions: bool) -> str:
    older, newer = step.older.cell, step.newer.cell
    task = newer.task
    if conditions:
        task += f" ({mode_text(newer.mode, newer.tuning)}, {place_text(newer)})"
    return (
        f"{snapshot.framework_title(newer.framework)} trains {task} {times_text(step.ratio)} "
        f"as fast as {snapshot.framework_title(older.framework)}"
    )


def _comparisons(count: int) -> str:
    return f"{count} comparison{'s' * (count != 1)}"


def _layer(cost: LayerCost) -> tuple[str, str]:
    return cost.upper.cell.framework, cost.upper.cell.tuning


def _titles(cost: LayerCost, snapshot: Snapshot) -> tuple[str, str]:
    """The titles of a layer, and of the framework beneath it."""
    upper, beneath = cost.upper.cell, cost.beneath.cell
    default = " (default)" * (upper.tuning == "default")
    title = snapshot.framework_title(upper.framework)
    return f"{title}{default}", snapshot.framework_title(beneath.framework)


def _layer_row(cost: LayerCost, snapshot: Snapshot) -> tuple[str, ...]:
    start = "" if cost.start_seconds is None else seconds_text(cost.start_seconds)
    ratio = estimate_text(cost.ratio, ratio_text)
    return (*_titles(cost, snapshot), _where(cost.upper.cell), ratio, start)


def _layer_sentence(layers: Sequence[Sequence[LayerCost]], snapshot: Snapshot) -> str:
    """What each layer costs: its ratio, or the mean of several and of how many it is sure."""
    return f"{listed([_layer_words(costs, snapshot) for costs in layers])}."


def _layer_words(costs: Sequence[LayerCost], snapshot: Snapshot) -> str:
    upper, beneath = _titles(costs[0], snapshot)
    if len(costs) == 1:
        return f"{upper} trained {times_text(costs[0].ratio)} as fast as {beneath}"
    mean = statistics.geometric_mean([cost.ratio.estimate for cost in costs])
    slower = sum(cost.ratio.high < 1 for cost in costs)
    once = len({cost.upper.cell.task for cost in costs}) == len(costs)
    of, on = (f"{len(costs)} tasks", "on") if once else (_comparisons(len(costs)), "in")
    return (
        f"{upper} trained {ratio_text(mean)} times as fast as {beneath} in the mean of {of}, "
        f"and is surely slower {on} {slower or 'none'} of them"
    )
