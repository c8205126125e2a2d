"""The verdict in words: what a run tells, as sentences that claim no more than its intervals do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval, ratio
from bench.analysis.results import ResultTable
from bench.core.record import Cell
from bench.records.snapshot import Snapshot
from bench.report.common.text import count_text, labels, ratio_text, too_wide
from bench.report.common.ties import OPEN, PACE, Tie, Verbs, listed, ties

# Of two cells that are tied, either may still be faster. Where one may be twice as fast, too little
# was measured for the tie to say that they are alike.
ALIKE = 2.0


def times_text(interval: Interval) -> str:
    """1.4 times (1.3 to 1.5); without the ends where they are not known, or tell nothing."""
    text = f"{ratio_text(interval.estimate)} times"
    if not interval.known:
        return text
    if too_wide(interval.low, interval.high):
        return f"{text} (too wide)"
    return f"{text} ({ratio_text(interval.low)} to {ratio_text(interval.high)})"


def leaders(table: ResultTable) -> list[CellSummary]:
    """The fastest cell, and those that may be as fast; empty where no interval is known."""
    return [
        summary
        for summary in table.ok
        if summary.relative and summary.relative.known and summary.relative.includes(1)
    ]


def sentence(table: ResultTable, snapshot: Snapshot) -> str:
    """Who is faster than whom, by how much, and who is tied; of cells under the same conditions."""
    cells = [one for one in table.ok if one.throughput and one.relative]
    names = labels([one.cell for one in table.summaries], snapshot.framework_title)
    if not cells:
        return "nothing could be measured."
    if len(cells) == 1:
        pace = cells[0].samples_per_second or 0.0
        return f"only {names[cells[0].cell]} was measured: {count_text(pace)} samples/s."
    first = next(one for one in cells if one.relative and one.relative.estimate == 1)
    others = [one for one in cells if one is not first]
    if not all(one.relative and one.relative.known for one in others):
        return (
            f"{names[first.cell]} trained {_times_as_fast(others, names)}; "
            "with so few repeats nobody can tell how sure that is."
        )
    chosen = _fastest_modes([first, *others])
    begin = "each in its fastest mode, " if len(chosen) <= len(others) else ""
    return f"{begin}{'; '.join(_compared(chosen, names))}."


def _compared(order: Sequence[CellSummary], names: Mapping[Cell, str]) -> list[str]:
    """Parts of a sentence on cells whose ratios are all known, the fastest of which is first."""
    first = order[0]
    tied = ties(order, tied=_tied, ahead=_faster, name=lambda one: names[one.cell], verbs=_verbs)
    texts = _with_ratios(tied, names)
    parts = [text for tie, text in texts if first in tie.group]
    if behind := [one for one in order[1:] if not _tied(first, one)]:
        parts.append(f"{names[first.cell]} trains {_times_as_fast(behind, names)}")
    return parts + [text for tie, text in texts if first not in tie.group]


def _times_as_fast(slower: Sequence[CellSummary], names: Mapping[Cell, str]) -> str:
    """How many times as fast as each of these the fastest cell is."""
    return listed(
        [
            f"{times_text(_inverse(one.relative))} as fast as {names[one.cell]}"
            for one in slower
            if one.relative
        ]
    )


def _inverse(interval: Interval) -> Interval:
    high = 1 / interval.low if interval.low else math.inf
    return Interval(estimate=1 / interval.estimate, low=1 / interval.high, high=high)


def _fastest_modes(order: Sequence[CellSummary]) -> list[CellSummary]:
    """The fastest cell of each framework; all of them where there is one framework alone.

    With every pair of modes a sentence of five frameworks would be too long to be read.
    """
    fastest: dict[str, CellSummary] = {}
    for summary in order:
        fastest.setdefault(summary.cell.framework, summary)
    return list(fastest.values()) if len(fastest) > 1 else list(order)


def _tied(one: CellSummary, other: CellSummary) -> bool:
    between = ratio(one.throughputs, other.throughputs)
    return between is not None and between.known and between.includes(1)


def _faster(one: CellSummary, other: CellSummary) -> bool:
    between = ratio(one.throughputs, other.throughputs)
    return between is not None and between.known and between.low > 1


def _widest(group: Sequence[CellSummary]) -> tuple[CellSummary, CellSummary, Interval] | None:
    """Of a group of ties, the pair of which the least is known, where that is too little."""
    pairs = [
        (one, other, between)
        for place, one in enumerate(group)
        for other in group[place + 1 :]
        if (between := ratio(one.throughputs, other.throughputs))
        and max(between.high, 1 / between.low) > ALIKE
    ]
    return max(pairs, key=lambda pair: pair[2].high / pair[2].low, default=None)


def _verbs(group: Sequence[CellSummary]) -> Verbs:
    return OPEN if _widest(group) else PACE


def _with_ratios(
    tied: Sequence[Tie[CellSummary]], names: Mapping[Cell, str]
) -> list[tuple[Tie[CellSummary], str]]:
    """Each tie in words; where it leaves much open, with the ratio that does, once each."""
    texts, named = [], set()
    for tie in tied:
        text, widest = tie.text, _widest(tie.group)
        if widest:
            one, other, between = widest
            if (one.cell, other.cell) not in named:
                text += (
                    f": {names[one.cell]} trained {times_text(between)} as fast as "
                    f"{names[other.cell]}"
                )
            named.add((one.cell, other.cell))
        texts.append((tie, text))
    return texts


def overall(tables: Sequence[ResultTable], title: Callable[[str], str]) -> str:
    """Who leads where, over all tables of a run; empty where fewer than two compare anything.

    `title` gives a framework's title by its name.
    """
    led: Counter[str] = Counter()
    won: Counter[str] = Counter()
    judged = 0
    for table in tables:
        if len(table.ok) < 2 or not (ahead := leaders(table)):
            continue
        judged += 1
        leading = list(dict.fromkeys(summary.cell.framework for summary in ahead))
        led.update(leading)
        won.update(leading[:1] * (len(leading) == 1))
    if judged < 2:
        return ""

    def counted(counts: Counter[str]) -> str:
        """The most frequent first; of equal counts, by name."""
        ranked = sorted(counts, key=lambda name: (-counts[name], name))
        return ", ".join(f"{title(name)} on {counts[name]}" for name in ranked)

    alone = f" ({counted(won)})" if won else ""
    return (
        f"One framework is clearly the fastest in {sum(won.values())} of {judged} comparisons"
        f"{alone}. Fastest, or tied for fastest: {counted(led)}."
    )
