"""From scores and weights to a ranking: who comes first, how sure that is, what would change it.

A framework's total is the weighted mean of its scores. A criterion that is unknown for every
framework, or in which all score alike, is left out, and its weight is shared out among the others
in proportion. Where it is unknown for some frameworks, their score is taken to be anywhere between
the worst and the best of the others, and counted as the middle. An unknown score therefore moves
nobody up or down, but it widens the interval.

All differences of totals are judged together at 95 %, and ranks follow from that, as in a run's
tables (`bench.analysis.multiple_comparisons`). The p-value of a difference is twice the share of
draws on the rarer side of 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.advice.block_draws import DRAWS, SEED, Floats
from bench.advice.criterion_figures import CriterionFigures
from bench.advice.measured_figures import ENDS
from bench.advice.personas import HIGHEST
from bench.analysis.intervals import PairTest
from bench.analysis.multiple_comparisons import MultipleComparison
from bench.core.errors import UsageError

# A framework is not ranked where less than this share of the weight is known.
LEAST_KNOWN = 0.5


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one criterion adds to a total: its share of the weight, times the score."""

    criterion: str
    share: float
    score: float
    known: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A framework's place in a ranking.

    `low` and `high` are the ends of the 95 % interval of `score`, None if unknown; `rank` is empty
    if unknown. `tied` names the frameworks that this one is tied with, `known` is the share of the
    weight for which a score is known.
    """

    framework: str
    title: str
    rank: str
    score: float
    low: float | None
    high: float | None
    tied: tuple[str, ...]
    contributions: tuple[Contribution, ...]
    known: float


@dataclass(frozen=True, kw_only=True)
class WeightSwap:
    """The weight of one criterion, all others unchanged, beyond which another framework leads.

    `first` is its name. It comes first above that `level`, or else below it.
    """

    criterion: str
    weight: float
    level: float
    above: bool
    first: str


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The frameworks, best first, by these weights.

    `swaps` are the changes of a single weight within the scale that would end the first one's lead.
    `unknown` are the criteria with a weight that are unknown for every framework, `alike` those in
    which all score the same. `repeated` is False where a figure with a weight was measured only
    once: then no difference is certain.
    """

    weights: Mapping[str, float]
    standings: tuple[Standing, ...]
    swaps: tuple[WeightSwap, ...]
    unknown: tuple[str, ...]
    alike: tuple[str, ...]
    repeated: bool


def _filled_in(figures: CriterionFigures, frameworks: Sequence[str]) -> Floats:
    """A criterion's scores, (frameworks,), with the unknown ones filled in."""
    known = [score for score in figures.scores.values() if score is not None]
    middle = (min(known) + max(known)) / 2
    scores = (figures.scores[name] for name in frameworks)
    return np.array([middle if score is None else score for score in scores])


def _drawn(figures: CriterionFigures, frameworks: Sequence[str], index: int) -> Floats:
    """Draws of the same, (draws, frameworks)."""
    scores = _filled_in(figures, frameworks)
    is_known = np.array([figures.scores[name] is not None for name in frameworks])
    draws = np.broadcast_to(scores, (DRAWS, len(frameworks))).copy()
    if figures.draws is not None:
        draws[:, is_known] = figures.draws
    if missing := int((~is_known).sum()):
        low, high = scores[is_known].min(), scores[is_known].max()
        rng = np.random.default_rng([SEED, index])
        draws[:, ~is_known] = rng.uniform(low, high, (DRAWS, missing))
    return draws


def rank_frameworks(
    assessment: Mapping[str, CriterionFigures],
    weights: Mapping[str, float],
    frameworks: Mapping[str, str],
) -> Ranking:
    """Rank `frameworks`, their titles by name; those with too little known come last.

    Raises UsageError if no criterion with a weight is known for any of them.
    """
    weighty = [name for name, weight in weights.items() if weight > 0]
    known = [name for name in weighty if assessment[name].known]
    if not known:
        raise UsageError(
            f"this run has no figures for {', '.join(weighty)}: give other criteria a weight"
        )
    # If nothing tells them apart, the totals say just that.
    criteria = [name for name in known if assessment[name].tells_apart] or known
    names = [*frameworks]
    shares = np.array([weights[name] for name in criteria])
    shares = shares / shares.sum()
    scores = np.array([_filled_in(assessment[criterion], names) for criterion in criteria])
    draws = np.zeros((DRAWS, len(names)))
    for row, (criterion, share) in enumerate(zip(criteria, shares, strict=True)):
        draws += share * _drawn(assessment[criterion], names, row)
    contributions = [
        tuple(
            Contribution(
                criterion=criterion,
                share=float(share),
                score=float(scores[row, place]),
                known=assessment[criterion].scores[name] is not None,
            )
            for row, (criterion, share) in enumerate(zip(criteria, shares, strict=True))
        )
        for place, name in enumerate(names)
    ]
    repeated = all(assessment[name].repeated for name in criteria)
    standings = _standings(frameworks, contributions, shares @ scores, draws, repeated)
    return Ranking(
        weights=weights,
        standings=standings,
        swaps=weight_swaps(assessment, weights, [standing.framework for standing in standings]),
        unknown=tuple(name for name in weighty if name not in known),
        alike=tuple(name for name in known if name not in criteria),
        repeated=repeated,
    )


def _standings(
    frameworks: Mapping[str, str],
    contributions: Sequence[tuple[Contribution, ...]],
    totals: Floats,
    draws: Floats,
    repeated: bool,
) -> tuple[Standing, ...]:
    """Best first; frameworks of which too little is known come last, without a rank."""
    names = [*frameworks]
    known_shares = [sum(part.share for part in parts if part.known) for parts in contributions]
    enough = [share >= LEAST_KNOWN for share in known_shares]
    ranked = [place for place, is_enough in enumerate(enough) if is_enough]
    together = _compared(totals[ranked], draws[:, ranked], repeated)
    ranks = dict(zip(ranked, together.ranks(), strict=True)) if len(ranked) > 1 else {}
    different = {(ranked[first], ranked[second]) for first, second in together.different}
    low, high = np.quantile(draws, ENDS, axis=0)
    order = sorted(range(len(names)), key=lambda place: (not enough[place], -totals[place]))
    return tuple(
        Standing(
            framework=names[place],
            title=frameworks[names[place]],
            rank=ranks.get(place, ""),
            score=float(totals[place]),
            low=float(low[place]) if repeated else None,
            high=float(high[place]) if repeated else None,
            tied=tuple(
                names[other]
                for other in order
                if enough[place] and enough[other]
                if other != place and (place, other) not in different
            ),
            contributions=contributions[place],
            known=known_shares[place],
        )
        for place in order
    )


def _compared(totals: Floats, draws: Floats, repeated: bool) -> MultipleComparison:
    """Differences of totals, as the ratios exp(difference); nothing is tested unless `repeated`."""

    def test(first: int, second: int) -> PairTest | None:
        if not repeated:
            return None
        ratios = np.exp(draws[:, first] - draws[:, second])  # rounds what is nearly 0 to 1
        rarer = min(np.mean(ratios <= 1), np.mean(ratios >= 1))
        return PairTest(math.exp(totals[first] - totals[second]), min(1.0, 2 * float(rarer)))

    return MultipleComparison.of(len(totals), test)


def weight_swaps(
    assessment: Mapping[str, CriterionFigures],
    weights: Mapping[str, float],
    frameworks: Sequence[str],
) -> tuple[WeightSwap, ...]:
    """For each criterion, the nearest weights within the scale that end the first one's lead.

    `frameworks` are in their order. With d_k how far the first is ahead of another in criterion k,
    its lead is the sum of w_k d_k, over the sum of all weights. It is 0 at
    w_c = -(sum of w_k d_k over all other k) / d_c. On the way to the nearest such weight nobody
    else has caught up, so that whoever does so there is the first behind it. One of which too
    little is known by the weights there would not be ranked.
    """
    telling = {
        name: figures
        for name, figures in assessment.items()
        if name in weights and figures.known and figures.tells_apart
    }
    scores = {name: _filled_in(figures, frameworks) for name, figures in telling.items()}

    def is_ranked(framework: str, changed: Mapping[str, float]) -> bool:
        every = {name: changed.get(name, weights[name]) for name in telling}
        known = sum(
            weight for name, weight in every.items() if telling[name].scores[framework] is not None
        )
        return known >= LEAST_KNOWN * sum(every.values())

    lead = sum((weights[name] * (own[0] - own) for name, own in scores.items()), np.zeros(()))
    swaps = []
    for name, own in scores.items():
        below: list[tuple[float, str]] = []
        above: list[tuple[float, str]] = []
        for place, framework in enumerate(frameworks[1:], start=1):
            gap = own[0] - own[place]
            if not gap or lead[place] < 0:
                continue
            level = float(weights[name] - lead[place] / gap)
            if 0 < level < HIGHEST and is_ranked(framework, {name: level}):
                (below if gap > 0 else above).append((level, framework))
        nearest = [(max(below), False)] if below else []
        nearest += [(min(above), True)] if above else []
        swaps += [
            WeightSwap(
                criterion=name, weight=weights[name], level=level, above=is_above, first=framework
            )
            for (level, framework), is_above in nearest
        ]
    return tuple(swaps)
