"""What layers over other frameworks cost, such as Keras: a table over all tasks, and a sentence."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bench.analysis.layer_costs import LayerCost, layer_costs
from bench.analysis.results import Results
from bench.core.framework_name import framework_of
from bench.core.grouping import grouped
from bench.records.snapshot import Snapshot
from bench.report.common import markdown, terminal
from bench.report.common.text import (
    capitalized,
    estimate_text,
    place_text,
    ratio_text,
    seconds_text,
)
from bench.report.common.ties import listed

HEADINGS = ("layer", "over", "task", "times as fast", "start")
WORDS = 3
ABOUT = (
    "How many times as fast a layer trains as the framework beneath it does in a loop of its own, "
    "each in its recommended mode, with the 95 % interval of this ratio alone; and what starting "
    "the layer's loop takes each time, as told by windows of different lengths."
)


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """A row for each layer and task under `HEADINGS`, of which the first three are for words."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    sentence: str

    @staticmethod
    def of(results: Results) -> LayerTable | None:
        """The table of a run; None if it has no layer beside the framework beneath it."""
        costs = [cost for table in results.tables for cost in layer_costs(table, results.snapshot)]
        if not costs:
            return None
        layers = list(grouped(costs, _layer).values())
        families = dict.fromkeys(framework_of(cost.upper.cell.framework) for cost in costs)
        return LayerTable(
            title=f"What {listed([*map(capitalized, families)])} costs",
            rows=tuple(_row(cost, results.snapshot) for own in layers for cost in own),
            sentence=_sentence(layers, results.snapshot),
        )

    def to_terminal(self) -> list[Table | Text]:
        grid = terminal.grid(HEADINGS, self.rows, words=WORDS, folding=HEADINGS[:WORDS])
        return [Text(self.title, "bold"), grid, Text(), Text(self.sentence, "bold")]

    def to_markdown(self) -> list[str]:
        return [
            f"## {markdown.escaped(self.title)}",
            markdown.escaped(self.sentence),
            markdown.table(HEADINGS, self.rows, words=WORDS),
            markdown.escaped(ABOUT),
        ]


def _layer(cost: LayerCost) -> tuple[str, str]:
    return cost.upper.cell.framework, cost.upper.cell.tuning


def _titles(cost: LayerCost, snapshot: Snapshot) -> tuple[str, str]:
    """The titles of a layer, and of the framework beneath it."""
    upper, beneath = cost.upper.cell, cost.beneath.cell
    default = " (default)" * (upper.tuning == "default")
    title = snapshot.framework_title(upper.framework)
    return f"{title}{default}", snapshot.framework_title(beneath.framework)


def _row(cost: LayerCost, snapshot: Snapshot) -> tuple[str, ...]:
    start = "" if cost.start_seconds is None else seconds_text(cost.start_seconds)
    cell = cost.upper.cell
    task = f"{cell.task}, {place_text(cell)}"
    return (*_titles(cost, snapshot), task, estimate_text(cost.ratio, ratio_text), start)


def _sentence(layers: Sequence[Sequence[LayerCost]], snapshot: Snapshot) -> str:
    """The mean ratio of each layer over its tasks; without an interval, as tasks differ."""
    parts = []
    for costs in layers:
        upper, beneath = _titles(costs[0], snapshot)
        mean = statistics.geometric_mean([cost.ratio.estimate for cost in costs])
        parts.append(f"{upper} trains {ratio_text(mean)} times as fast as {beneath}")
    tasks = max(map(len, layers))
    over = f" (geometric means over {tasks} comparisons)" if tasks > 1 else ""
    return f"{listed(parts)}{over}, each layer against a loop of one's own."
