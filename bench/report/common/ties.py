"""Ties in words.

Ties are not transitive: a may be tied with b, and b with c, while a is surely ahead of c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Relation = Callable[[Item, Item], bool]


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words in a sentence: a, b and c."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def groups(order: Sequence[Item], tied: Relation[Item]) -> list[list[Item]]:
    """The largest groups whose members are all tied with each other, members in the given order.

    They are the maximal cliques of the ties, by the algorithm of Bron and Kerbosch (1973) with the
    pivot of Tomita, Tanaka and Takahashi (2006): a clique without the pivot has one of those that
    it is not tied with. Where all are tied, that takes a step for each instead of 2 to their power.
    """
    places = range(len(order))
    of = [{j for j in places if j != i and tied(order[i], order[j])} for i in places]

    def grow(clique: set[int], candidates: set[int], excluded: set[int]) -> Iterator[list[int]]:
        if not candidates and not excluded:
            yield sorted(clique)
            return
        pivot = max(candidates | excluded, key=lambda place: len(of[place] & candidates))
        for place in candidates - of[pivot]:
            yield from grow(clique | {place}, candidates & of[place], excluded & of[place])
            candidates = candidates - {place}
            excluded = excluded | {place}

    cliques = sorted(grow(set(), {*places}, set()))
    return [[order[place] for place in clique] for clique in cliques if len(clique) > 1]


@dataclass(frozen=True, kw_only=True)
class Verbs:
    """The verbs for a first group, for a later group that overlaps with it, and for a lead."""

    tied: str
    again: str
    ahead: str


PACE = Verbs(tied="are tied", again="are tied too", ahead="is faster than")
OPEN = Verbs(
    tied="can't be told apart yet", again="can't be told apart yet either", ahead="is faster than"
)
ADVICE = Verbs(tied="can't be told apart", again="can't be told apart either", ahead="is ahead of")


@dataclass(frozen=True, kw_only=True)
class Tie(Generic[Item]):
    """A group whose members are all tied with each other, and a sentence about it."""

    group: Sequence[Item]
    text: str


def ties(
    order: Sequence[Item],
    *,
    tied: Relation[Item],
    ahead: Relation[Item],
    name: Callable[[Item], str],
    verbs: Callable[[Sequence[Item]], Verbs],
) -> list[Tie[Item]]:
    """Every group in words. For overlapping groups, the text names a pair that surely differs."""
    described: list[Tie[Item]] = []
    for group in groups(order, tied):
        words = verbs(group)
        names = listed([name(item) for item in group])
        text = f"{names} {words.tied}"
        pair = next(_surely_apart(group, [tie.group for tie in described], ahead), None)
        if pair:
            first, second = pair
            text = f"{names} {words.again}, though {name(first)} {words.ahead} {name(second)}"
        described.append(Tie(group=group, text=text))
    return described


def _surely_apart(
    group: Sequence[Item], earlier: Sequence[Sequence[Item]], ahead: Relation[Item]
) -> Iterator[tuple[Item, Item]]:
    """Pairs that surely differ, leader first: a member of this group and one of an overlapping."""
    for other in earlier:
        if any(item in other for item in group):
            for theirs in (item for item in other if item not in group):
                for ours in (item for item in group if item not in other):
                    if ahead(theirs, ours):
                        yield theirs, ours
                    elif ahead(ours, theirs):
                        yield ours, theirs
