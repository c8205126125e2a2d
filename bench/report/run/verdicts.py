"""The verdict of a run, in sentences that claim no more than its figures support.

Which cells are tied, and which is the fastest, holds for a table as a whole at 95 %. The interval
of a ratio in a sentence is for this ratio alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval, ratio
from bench.analysis.results import ResultTable
from bench.core.grouping import grouped
from bench.core.record import Cell
from bench.records.snapshot import Snapshot
from bench.report.common.text import count_text, labels, ratio_text, too_wide
from bench.report.common.ties import OPEN, PACE, Tie, Verbs, listed, ties

# Either of two tied cells may still be faster. If one may be more than twice as fast, too little
# was measured for the tie to mean that they are alike.
ALIKE = 2.0


def times_text(interval: Interval) -> str:
    """A ratio in words: 1.4 times (1.3 to 1.5); without ends that are unknown.

    Where they are too wide to be of use, it is "about 1.4 times".
    """
    text = f"{ratio_text(interval.estimate)} times"
    if not interval.known:
        return text
    if too_wide(interval):
        return f"about {text}"
    return f"{text} ({ratio_text(interval.low)} to {ratio_text(interval.high)})"


def leaders(table: ResultTable) -> list[CellSummary]:
    """The fastest cell and those tied with it; empty if some cell's place is unknown."""
    if any(summary.among_fastest is None for summary in table.ok):
        return []
    return [summary for summary in table.ok if summary.among_fastest]


def leading(table: ResultTable) -> list[CellSummary]:
    """Of each framework that may be the fastest, its fastest cell; the fastest of all first."""
    cells = fastest_of_each(leaders(table))
    return sorted(cells, key=lambda cell: not (cell.relative and cell.relative.estimate == 1))


def fastest_of_each(order: Iterable[CellSummary]) -> list[CellSummary]:
    """The first cell of each framework, of cells of which the fastest come first."""
    return [own[0] for own in grouped(order, lambda summary: summary.cell.framework).values()]


def sentence(table: ResultTable, snapshot: Snapshot) -> str:
    """Which cells of a table are faster than which, by how much, and which are tied."""
    cells = [summary for summary in table.ok if summary.throughput and summary.relative]
    names = labels([summary.cell for summary in table.summaries], snapshot.framework_title)
    measured = [summary for summary in table.summaries if summary.throughput]
    if not cells:
        return "no cell is ok." if measured else "nothing could be measured."
    if len(cells) == 1:
        pace = f"{count_text(cells[0].samples_per_second or 0.0)} samples/s"
        if len(table.ok) > 1:
            every = listed([names[summary.cell] for summary in table.ok])
            return f"{every} share no block, so that nobody can tell which is faster."
        alone = "is ok" if len(measured) > 1 else "was measured"
        return f"only {names[cells[0].cell]} {alone}: {pace}."
    first = next(cell for cell in cells if cell.relative and cell.relative.estimate == 1)
    others = [cell for cell in cells if cell is not first]
    if not all(cell.relative and cell.relative.known for cell in others):
        return (
            f"{names[first.cell]} trained {_times_as_fast(others, names)}; "
            "with so few repeats nobody can tell how sure that is."
        )
    chosen = _fastest_modes([first, *others])
    start = "each in its fastest mode, " if len(chosen) <= len(others) else ""
    parts = _compared(chosen, names, pairs=math.comb(len(cells), 2))
    return f"{start}{'; '.join(parts)}."


def _compared(order: Sequence[CellSummary], names: Mapping[Cell, str], *, pairs: int) -> list[str]:
    """The parts of a sentence on cells, fastest first, whose ratios are all known.

    `pairs` is how many pairs of cells their table compares.
    """
    first = order[0]
    all_ties = ties(
        order,
        tied=_tied,
        ahead=_faster,
        name=lambda summary: names[summary.cell],
        verbs=_verbs,
    )
    texts = _with_ratios(all_ties, names, pairs)
    parts = [text for tie, text in texts if first in tie.group]
    if behind := [summary for summary in order[1:] if not _tied(first, summary)]:
        parts.append(f"{names[first.cell]} trains {_times_as_fast(behind, names)}")
    return parts + [text for tie, text in texts if first not in tie.group]


def _times_as_fast(slower: Sequence[CellSummary], names: Mapping[Cell, str]) -> str:
    """How many times as fast as each of these cells the fastest cell is."""
    return listed(
        [
            f"{times_text(_inverse(summary.relative))} as fast as {names[summary.cell]}"
            for summary in slower
            if summary.relative
        ]
    )


def _inverse(interval: Interval) -> Interval:
    high = 1 / interval.low if interval.low else math.inf
    return Interval(estimate=1 / interval.estimate, low=1 / interval.high, high=high)


def _fastest_modes(order: Sequence[CellSummary]) -> list[CellSummary]:
    """The fastest cell of each framework, or all cells if there is only one framework.

    With all modes of five frameworks, the sentence would be too long.
    """
    fastest = fastest_of_each(order)
    return fastest if len(fastest) > 1 else list(order)


def _tied(first: CellSummary, second: CellSummary) -> bool:
    return second.cell in first.tied_with


def _faster(first: CellSummary, second: CellSummary) -> bool:
    return first.cell in second.slower_than


def _most_open(group: Sequence[CellSummary]) -> tuple[CellSummary, CellSummary, Interval] | None:
    """The pair of a tied group of which one cell may be the most times as fast as the other.

    Only of the tied pairs that are not alike: one cell may be more than `ALIKE` times as fast, or
    the ratio differs from 1 by its own interval, though not surely enough for the table. None if
    all are alike.
    """
    pairs = [
        (first, second, interval)
        for place, first in enumerate(group)
        for second in group[place + 1 :]
        if _tied(first, second)
        and (interval := ratio(first.throughputs, second.throughputs))
        and (_may_be(interval) > ALIKE or not interval.includes(1))
    ]
    return max(pairs, key=lambda pair: _may_be(pair[2]), default=None)


def _may_be(interval: Interval) -> float:
    """How many times as fast as the other either of two cells may be."""
    return max(interval.high, 1 / interval.low)


def alike(group: Sequence[CellSummary]) -> bool:
    """Whether tied cells are known to be much alike, and not only too little measured."""
    return _most_open(group) is None


def _verbs(group: Sequence[CellSummary]) -> Verbs:
    return PACE if alike(group) else OPEN


def _with_ratios(
    all_ties: Sequence[Tie[CellSummary]], names: Mapping[Cell, str], pairs: int
) -> list[tuple[Tie[CellSummary], str]]:
    """Each tie in words, with its most open ratio if it has one; each ratio once."""
    texts, named = [], set()
    for tie in all_ties:
        text, pair = tie.text, _most_open(tie.group)
        if pair:
            first, second, interval = pair
            if (first.cell, second.cell) not in named:
                text += (
                    f": {names[first.cell]} trained {times_text(interval)} as fast as "
                    f"{names[second.cell]}"
                )
                if not interval.includes(1):
                    text += f", but among {pairs} pairs chance may explain that"
            named.add((first.cell, second.cell))
        texts.append((tie, text))
    return texts


def overall(tables: Sequence[ResultTable], title: Callable[[str], str]) -> str:
    """Which framework is fastest how often, over all tables of a run.

    Empty if fewer than two tables compare frameworks. `title` gives a framework's title by its
    name.
    """
    fastest_or_tied: Counter[str] = Counter()
    clearly_fastest: Counter[str] = Counter()
    judged = 0
    for table in tables:
        compared = {summary.cell.framework for summary in table.ok}
        if len(compared) < 2 or not (first := leaders(table)):
            continue
        judged += 1
        frameworks = list(dict.fromkeys(summary.cell.framework for summary in first))
        fastest_or_tied.update(frameworks)
        if len(frameworks) == 1:
            clearly_fastest.update(frameworks)
    if judged < 2:
        return ""

    def counted(counts: Counter[str]) -> str:
        """Titles with their counts, the most frequent first, and equal counts by name."""
        ranked = sorted(counts, key=lambda name: (-counts[name], name))
        return ", ".join(f"{title(name)} on {counts[name]}" for name in ranked)

    named = f" ({counted(clearly_fastest)})" if clearly_fastest else ""
    return (
        f"One framework is clearly the fastest in {sum(clearly_fastest.values())} of {judged} "
        f"comparisons{named}. Fastest, or tied for fastest: {counted(fastest_or_tied)}."
    )
