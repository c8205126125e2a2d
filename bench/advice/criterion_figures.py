"""A criterion's figure for each framework, and its score from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    def known(self) -> bool:
        """Whether any framework has a score."""
        return any(score is not None for score in self.scores.values())


def ratio_to_smallest(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Scores of values of which the smallest is best: twice the smallest scores 0.5."""
    best = min((value for value in values.values() if value), default=0.0)
    return {name: best / value if value else None for name, value in values.items()}
