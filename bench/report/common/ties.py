"""Ties in words. A tie is no equality: a is tied with b, and b with c, where a is ahead of c."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

One = TypeVar("One")
Pair = Callable[[One, One], bool]


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words in a sentence: a, b and c."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def groups(order: Sequence[One], tied: Pair[One]) -> list[list[One]]:
    """The largest groups in which each is tied with each other, in the order of who is in them.

    They are the maximal cliques of the ties, by the algorithm of Bron and Kerbosch (1973).
    """

    def grow(chosen: list[One], more: list[One], seen: list[One]) -> Iterator[list[One]]:
        if not more and not seen:
            yield chosen
        while more:
            one, *more = more
            yield from grow(
                [*chosen, one],
                [other for other in more if tied(one, other)],
                [other for other in seen if tied(one, other)],
            )
            seen = [*seen, one]

    return [found for found in grow([], [*order], []) if len(found) > 1]


@dataclass(frozen=True, kw_only=True)
class Verbs:
    """How a tie is said of a first group and of another that shares somebody with it."""

    tied: str
    again: str
    ahead: str


PACE = Verbs(tied="are tied", again="are tied too", ahead="is faster than")
OPEN = Verbs(
    tied="can't be told apart yet", again="can't be told apart yet either", ahead="is faster than"
)
ADVICE = Verbs(tied="can't be told apart", again="can't be told apart either", ahead="is ahead of")


@dataclass(frozen=True, kw_only=True)
class Tie(Generic[One]):
    """A group of which each is tied with each other, and that in words."""

    group: Sequence[One]
    text: str


def ties(
    order: Sequence[One],
    *,
    tied: Pair[One],
    ahead: Pair[One],
    name: Callable[[One], str],
    verbs: Callable[[Sequence[One]], Verbs],
) -> list[Tie[One]]:
    """Every group in words; of groups that overlap, who of them differ is said as well."""
    found: list[Tie[One]] = []
    for group in groups(order, tied):
        said = verbs(group)
        text = f"{listed([name(one) for one in group])} {said.tied}"
        for front, back in _apart(group, [one.group for one in found], ahead):
            text = f"{listed([name(one) for one in group])} {said.again}"
            text += f", though {name(front)} {said.ahead} {name(back)}"
            break
        found.append(Tie(group=group, text=text))
    return found


def _apart(
    group: Sequence[One], before: Sequence[Sequence[One]], ahead: Pair[One]
) -> Iterator[tuple[One, One]]:
    """Pairs that surely differ, one of this group and one of a group that shares somebody."""
    for other in before:
        if any(one in other for one in group):
            for one in (one for one in other if one not in group):
                for mine in (mine for mine in group if mine not in other):
                    if ahead(one, mine):
                        yield one, mine
                    elif ahead(mine, one):
                        yield mine, one
