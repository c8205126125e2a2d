"""One comparison of a proof: how far something is off, and how far it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison: a `deviation`, allowed up to `tolerance`; `where` names the worst place."""

    name: str
    deviation: float
    tolerance: float
    where: str = ""
    ulps: float | None = None

    @property
    def passed(self) -> bool:
        return self.deviation <= self.tolerance  # NaN fails

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        deviation, tolerance = told_apart(self.deviation, self.tolerance)
        return f"{self.name}: off by {deviation}{place}, where {tolerance} is allowed"


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with two digits, or with as many as it takes to tell them apart."""
    texts = ((f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(2, 18))
    return next(pair for pair in texts if pair[0] != pair[1] or a == b)


def worst(name: str, deviations: Mapping[str, float], tolerance: float, epsilon: float) -> Check:
    """A check of the worst of several deviations, given by place. NaN is the worst of all."""
    where = max(
        deviations,
        key=lambda place: math.inf if math.isnan(deviations[place]) else deviations[place],
    )
    deviation = deviations[where]
    return Check(
        name=name,
        deviation=deviation,
        tolerance=tolerance,
        where=where,
        ulps=deviation / epsilon,
    )
