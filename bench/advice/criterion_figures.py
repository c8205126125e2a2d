"""A criterion's figure for each framework, and its score from 0 to 1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.advice.block_draws import Floats
from bench.advice.criteria import Criterion
from bench.analysis.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class CriterionFigures:
    """One criterion's figures by framework, in its unit, and their scores; None where unknown.

    `draws`, (draws, frameworks), are the scores as chance may have moved them, for the frameworks
    whose score is known, in the order of `values`; None where chance plays no part. `repeated` is
    False where the effect of chance could not be measured. `words` is the text of a fact,
    `unchecked` the frameworks whose fact was not read at its source.
    """

    criterion: Criterion
    values: Mapping[str, float | None]
    scores: Mapping[str, float | None]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    draws: Floats | None = None
    repeated: bool = True
    words: Mapping[str, str] = field(default_factory=dict)
    unchecked: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def tells_apart(self) -> bool:
        """Whether any two scores differ, or some framework's score is unknown."""
        return len({None if s is None else round(s, 9) for s in self.scores.values()}) > 1

    def without_comfort_of(self, archived: Collection[str]) -> CriterionFigures:
        """With scores of archived frameworks that are no more than the worst of the others'."""
        others = [s for name, s in self.scores.items() if name not in archived and s is not None]
        if not others:
            return self
        known = [name for name, score in self.scores.items() if score is not None]
        living = [place for place, name in enumerate(known) if name not in archived]
        scores, draws = dict(self.scores), self.draws
        if draws is not None:
            draws = draws.copy()
        for place, name in enumerate(known):
            if name in archived:
                scores[name] = min(self.scores[name] or 0.0, *others)
                if draws is not None:
                    draws[:, place] = np.minimum(draws[:, place], draws[:, living].min(axis=1))
        return replace(self, scores=scores, draws=draws)

    @property
    def known(self) -> bool:
        """Whether any framework has a score."""
        return any(score is not None for score in self.scores.values())


def ratio_to_smallest(
    values: Mapping[str, float | None], *, alike: float
) -> dict[str, float | None]:
    """Scores of values of which the smallest is best: twice the smallest scores 0.5.

    Values up to `alike` count as `alike`.
    """
    noticed = {name: max(value, alike) if value else None for name, value in values.items()}
    best = min((value for value in noticed.values() if value), default=0.0)
    return {name: best / value if value else None for name, value in noticed.items()}
