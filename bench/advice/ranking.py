"""From figures and weights to advice: scores, ranks, what cannot be told, what would change it.

A framework's score is the weighted mean of its criteria's scores. A criterion that is known of no
framework is left out, so that its weight falls to the others in proportion. One that is not known
of some counts for them as the middle between the worst and the best of the others, and it may be
anything between those two: an unknown moves nobody up or down, but widens the interval.

Two frameworks cannot be told apart where the 95 % interval of the difference of their scores
includes 0. Ranks follow from that as those of a table do (`estimate.ranks`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.advice.block_samples import DRAWS, SEED, Floats
from bench.advice.evidence import Figures
from bench.advice.measured_figures import ENDS
from bench.advice.personas import HIGHEST
from bench.analysis.intervals import Interval, ranks
from bench.core.errors import UsageError

# Of a framework of which less than this share of the weight is known, nothing can be said.
LEAST_KNOWN = 0.5


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one criterion adds to a framework's score: its weight's share, and the score in it."""

    criterion: str
    share: float
    score: float
    known: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A framework's place. `low` and `high` are its score's 95 % interval, None if not known.

    `rank` is empty where it is not known; `tied` are those that it cannot be told from; `known`
    is the share of the weight that something is known of.
    """

    framework: str
    rank: str
    score: float
    low: float | None
    high: float | None
    tied: tuple[str, ...]
    parts: tuple[Part, ...]
    known: float


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The weight of one criterion, all others as they are, at which the first two are level.

    `level` is None where no weight of the scale does it; `more` says that the second is ahead
    above it.
    """

    criterion: str
    weight: float
    level: float | None
    more: bool


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The frameworks, best first, by these weights; `unknown` criteria are those of no framework.

    `repeated` is False where a figure that weighs was measured once, so that nothing is surely
    ahead of anything.
    """

    weights: Mapping[str, float]
    standings: tuple[Standing, ...]
    swaps: tuple[Swap, ...]
    unknown: tuple[str, ...]
    repeated: bool


def _draws(figures: Figures, frameworks: Sequence[str], index: int) -> tuple[Floats, Floats]:
    """One criterion's scores, (frameworks,), and draws of them; what is not known filled in."""
    known = [name for name in frameworks if figures.scores[name] is not None]
    scores = np.array([figures.scores[name] or 0.0 for name in frameworks])
    draws = np.broadcast_to(scores, (DRAWS, len(frameworks))).copy()
    if figures.draws is not None:
        draws[:, [frameworks.index(name) for name in known]] = figures.draws
    missing = [place for place, name in enumerate(frameworks) if name not in known]
    there = [frameworks.index(name) for name in known]
    if missing:
        low, high = scores[there].min(), scores[there].max()
        scores[missing] = (low + high) / 2
        rng = np.random.default_rng([SEED, index])
        draws[:, missing] = rng.uniform(low, high, (DRAWS, len(missing)))
    return scores, draws


def advise(
    assessed: Mapping[str, Figures], weights: Mapping[str, float], frameworks: Sequence[str]
) -> Advice:
    """Who suits whom such weights describe. Frameworks of which too little is known come last.

    Raises UsageError where none of what weighs is known of any.
    """
    weigh = [name for name, weight in weights.items() if weight > 0]
    used = [name for name in weigh if assessed[name].known]
    if not used:
        raise UsageError(f"this run tells nothing of {', '.join(weigh)}: give more a weight")
    heavy = np.array([weights[name] for name in used])
    shares = heavy / heavy.sum()
    scores, draws = np.empty((len(used), len(frameworks))), np.zeros((DRAWS, len(frameworks)))
    for row, (name, share) in enumerate(zip(used, shares, strict=True)):
        scores[row], drawn = _draws(assessed[name], frameworks, row)
        draws += share * drawn
    parts = {
        one: tuple(
            Part(
                criterion=name,
                share=float(share),
                score=float(scores[row, place]),
                known=assessed[name].scores[one] is not None,
            )
            for row, (name, share) in enumerate(zip(used, shares, strict=True))
        )
        for place, one in enumerate(frameworks)
    }
    repeated = all(assessed[name].repeated for name in used)
    standings = _standings(parts, shares @ scores, draws, repeated)
    return Advice(
        weights=weights,
        standings=standings,
        swaps=swaps(standings, weights) if len(standings) > 1 else (),
        unknown=tuple(name for name in weigh if name not in used),
        repeated=repeated,
    )


def _standings(
    parts: Mapping[str, tuple[Part, ...]], totals: Floats, draws: Floats, repeated: bool
) -> tuple[Standing, ...]:
    """Best first; those of which too little is known come last, without a rank."""
    frameworks = [*parts]
    known = [sum(part.share for part in own if part.known) for own in parts.values()]
    enough = [share >= LEAST_KNOWN for share in known]
    ratios = _differences(totals, draws, enough, repeated)
    places = _ranks(ratios, enough)
    low, high = np.quantile(draws, ENDS, axis=0)
    order = sorted(range(len(frameworks)), key=lambda place: (not enough[place], -totals[place]))
    return tuple(
        Standing(
            framework=frameworks[place],
            rank=places[place],
            score=float(totals[place]),
            low=float(low[place]) if repeated else None,
            high=float(high[place]) if repeated else None,
            tied=tuple(
                frameworks[other]
                for other in order
                if other != place and _level(ratios[place][other])
            ),
            parts=parts[frameworks[place]],
            known=known[place],
        )
        for place in order
    )


def _differences(
    totals: Floats, draws: Floats, enough: Sequence[bool], repeated: bool
) -> list[list[Interval | None]]:
    """Differences of scores as intervals of ratios, e to their power: what `estimate` ranks by."""

    def between(one: int, other: int) -> Interval | None:
        if not (enough[one] and enough[other]):
            return None
        estimate = math.exp(totals[one] - totals[other])
        if not repeated:
            return Interval(estimate=estimate, low=0.0, high=math.inf)
        low, high = np.exp(np.quantile(draws[:, one] - draws[:, other], ENDS))
        return Interval(estimate=estimate, low=float(low), high=float(high))

    places = range(len(totals))
    return [[between(one, other) for other in places] for one in places]


def _level(difference: Interval | None) -> bool:
    return difference is not None and difference.includes(1)


def _ranks(ratios: Sequence[Sequence[Interval | None]], enough: Sequence[bool]) -> list[str]:
    """Ranks among those of which enough is known; empty for the others, or where all are alone."""
    there = [place for place, one in enumerate(enough) if one]
    found = ranks([[ratios[one][other] for other in there] for one in there])
    named = dict(zip(there, found, strict=True)) if len(there) > 1 else {}
    return [named.get(place, "") for place in range(len(enough))]


def swaps(standings: Sequence[Standing], weights: Mapping[str, float]) -> tuple[Swap, ...]:
    """For each criterion that is known, how far its weight alone must move to swap the first two.

    With d_k the difference of the two's scores in criterion k, the first is ahead by the sum of
    w_k d_k over that of w_k. It is 0 where w_c = -(sum over all other k of w_k d_k) / d_c.
    """
    first, second = standings[:2]
    gaps = {
        one.criterion: one.score - other.score
        for one, other in zip(first.parts, second.parts, strict=True)
    }
    ahead = sum(weights[name] * gap for name, gap in gaps.items())
    found = []
    for name, gap in gaps.items():
        level = weights[name] - ahead / gap if gap else -1.0
        found.append(
            Swap(
                criterion=name,
                weight=weights[name],
                level=level if 0 <= level <= HIGHEST else None,
                more=gap < 0,
            )
        )
    return tuple(found)
