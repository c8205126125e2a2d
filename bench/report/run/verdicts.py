"""The verdict in words: what a run tells, as sentences that claim no more than its intervals do."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.analysis.cell_summary import CellSummary, conditions
from bench.analysis.intervals import Interval, ratio
from bench.core.record import Cell
from bench.report.common.text import count_text, framework_text, mode_text, ratio_text, too_wide
from bench.report.common.ties import OPEN, PACE, Tie, Verbs, listed, ties

Groups = dict[tuple[object, ...], list[CellSummary]]

# Of two cells that are tied, either may still be faster. Where one may be twice as fast, too little
# was measured for the tie to say that they are alike.
ALIKE = 2.0


def by_conditions(summaries: Iterable[CellSummary]) -> Groups:
    """Cells that can be compared, fastest first; what is not ok comes last."""
    groups: Groups = defaultdict(list)
    for one in summaries:
        groups[conditions(one.cell)].append(one)
    for group in groups.values():
        group.sort(key=lambda one: (one.status != "ok", -_pace(one)))
    return dict(groups)


def _pace(one: CellSummary) -> float:
    return one.throughput.estimate if one.throughput else 0.0


def labels(cells: Iterable[Cell]) -> dict[Cell, str]:
    """Short names of cells to be compared: the framework's, with its mode where it has several."""
    every = list(cells)
    shared: dict[str, set[str]] = defaultdict(set)
    for cell in every:
        shared[cell.framework].add(mode_text(cell.mode, cell.tuning))
    return {
        cell: f"{framework_text(cell.framework)} {mode_text(cell.mode, cell.tuning)}"
        if len(shared[cell.framework]) > 1
        else framework_text(cell.framework)
        for cell in every
    }


def _inverse(found: Interval) -> Interval:
    high = 1 / found.low if found.low else math.inf
    return Interval(estimate=1 / found.estimate, low=1 / found.high, high=high)


def times_text(found: Interval) -> str:
    """1.4 times (1.3 to 1.5); without the ends where they are not known, or tell nothing."""
    words = f"{ratio_text(found.estimate)} times"
    if not found.known:
        return words
    if too_wide(found.low, found.high):
        return f"{words} (too wide)"
    return f"{words} ({ratio_text(found.low)} to {ratio_text(found.high)})"


def leaders(group: Sequence[CellSummary]) -> list[CellSummary]:
    """The fastest cell, and those of which nobody can tell that they are slower."""
    good = [one for one in group if one.status == "ok" and one.relative]
    return [one for one in good if one.relative and one.relative.known and one.relative.includes(1)]


def sentence(group: Sequence[CellSummary]) -> str:
    """Who is faster than whom, by how much, and who is tied; of cells under the same conditions."""
    good = [one for one in group if one.status == "ok" and one.throughput and one.relative]
    name = labels(one.cell for one in group)
    if not good:
        return "nothing could be measured."
    if len(good) == 1:
        return f"only {name[good[0].cell]} was measured: {count_text(_pace(good[0]))} samples/s."
    first = next(one for one in good if one.relative and one.relative.estimate == 1)
    others = [one for one in good if one is not first]
    if not all(one.relative and one.relative.known for one in others):
        ratios = [
            f"{times_text(_inverse(one.relative))} as fast as {name[one.cell]}"
            for one in others
            if one.relative
        ]
        return (
            f"{name[first.cell]} trained {listed(ratios)}; "
            "with so few repeats nobody can tell how sure that is."
        )
    chosen = _fastest_modes([first, *others])
    begin = "each in its fastest mode, " if len(chosen) <= len(others) else ""
    order, others = chosen, chosen[1:]
    found = ties(order, tied=_tied, ahead=_faster, name=lambda one: name[one.cell], verbs=_verbs)
    texts = _with_ratios(found, name)
    parts = [text for one, text in texts if first in one.group]
    if behind := [one for one in others if not _tied(first, one)]:
        ratios = [
            f"{times_text(_inverse(one.relative))} as fast as {name[one.cell]}"
            for one in behind
            if one.relative
        ]
        parts.append(f"{name[first.cell]} trains {listed(ratios)}")
    parts += [text for one, text in texts if first not in one.group]
    return begin + "; ".join(parts) + "."


def _fastest_modes(order: Sequence[CellSummary]) -> list[CellSummary]:
    """The fastest cell of each framework; all of them where there is one framework alone.

    With every pair of modes a sentence of five frameworks would be too long to be read.
    """
    fastest: dict[str, CellSummary] = {}
    for one in order:
        fastest.setdefault(one.cell.framework, one)
    return list(fastest.values()) if len(fastest) > 1 else list(order)


def _tied(one: CellSummary, other: CellSummary) -> bool:
    between = ratio(one.throughputs, other.throughputs)
    return between is not None and between.known and between.includes(1)


def _faster(one: CellSummary, other: CellSummary) -> bool:
    between = ratio(one.throughputs, other.throughputs)
    return between is not None and between.known and between.low > 1


def _widest(group: Sequence[CellSummary]) -> tuple[CellSummary, CellSummary, Interval] | None:
    """Of a group of ties, the two of which the least is known, where it is too little."""
    found = [
        (one, other, between)
        for place, one in enumerate(group)
        for other in group[place + 1 :]
        if (between := ratio(one.throughputs, other.throughputs))
        and max(between.high, 1 / between.low) > ALIKE
    ]
    return max(found, key=lambda pair: pair[2].high / pair[2].low, default=None)


def _verbs(group: Sequence[CellSummary]) -> Verbs:
    return OPEN if _widest(group) else PACE


def _with_ratios(
    found: Sequence[Tie[CellSummary]], name: Mapping[Cell, str]
) -> list[tuple[Tie[CellSummary], str]]:
    """Each tie in words; where it leaves much open, with the ratio that does, once each."""
    texts, said = [], set()
    for tie in found:
        text, widest = tie.text, _widest(tie.group)
        if widest:
            one, other, between = widest
            ratio_said = f"{times_text(between)} as fast as {name[other.cell]}"
            if (one.cell, other.cell) not in said:
                text += f": {name[one.cell]} trained {ratio_said}"
            said.add((one.cell, other.cell))
        texts.append((tie, text))
    return texts


def overall(groups: Groups) -> str:
    """Who leads where: one sentence over all tables of a run; empty where there is one alone."""
    led: dict[str, int] = defaultdict(int)
    won: dict[str, int] = defaultdict(int)
    judged = 0
    for group in groups.values():
        ahead = leaders(group)
        if sum(one.status == "ok" for one in group) < 2 or not ahead:
            continue
        judged += 1
        leading = {one.cell.framework for one in ahead}
        for framework in leading:
            led[framework] += 1
            won[framework] += len(leading) == 1
    if judged < 2:
        return ""

    def told(counts: dict[str, int]) -> str:
        ranked = sorted(counts, key=lambda framework: -counts[framework])
        return ", ".join(f"{framework_text(one)} in {counts[one]}" for one in ranked if counts[one])

    decided = sum(won.values())
    alone = f" ({told(won)})" if decided else ""
    return (
        f"one framework is surely the fastest in {decided} of {judged} comparisons{alone}; "
        f"the fastest, or not surely slower: {told(led)}."
    )
