"""Figures of frameworks that are known as facts, and their scores, in steps."""

from __future__ import annotations

from collections.abc import Sequence

from bench.advice import facts
from bench.advice.criteria import UPKEEP_LEAST, UPKEEP_STEPS, Criterion
from bench.advice.evidence import Evidence, Figures, smallest
from bench.advice.facts import Facts


def upkeep_score(told: Facts) -> float | None:
    """By the months since the last release; nothing is worse than an archived project."""
    archived, months = told.known.get("archived"), told.months_since_release
    if archived and archived.value:
        return 0.0
    if months is None:
        return None
    return next((score for until, score in UPKEEP_STEPS if months <= until), UPKEEP_LEAST)


def upkeep(evidence: Evidence, criterion: Criterion) -> Figures:
    """Months since the last release, and whether the project has ended."""
    told = {name: facts.of(name) for name in evidence.frameworks}
    return Figures(
        criterion=criterion,
        values={name: one.months_since_release for name, one in told.items()},
        scores={name: upkeep_score(one) for name, one in told.items()},
        words={
            name: f"archived {fact.date}"
            for name, one in told.items()
            if (fact := one.known.get("archived")) and fact.value
        },
        unchecked=_unchecked(evidence, "release", "archived"),
    )


def popularity(evidence: Evidence, criterion: Criterion) -> Figures:
    """The place among the packages that are downloaded most."""
    told = {name: facts.of(name).known.get("downloads_rank") for name in evidence.frameworks}
    found = smallest(criterion, {name: one.value if one else None for name, one in told.items()})
    return Figures(**{**vars(found), "unchecked": _unchecked(evidence, "downloads_rank")})


def listed(evidence: Evidence, criterion: Criterion, fact: str, among: Sequence[str]) -> Figures:
    """How many of the things that there may be a framework's documentation has."""
    told = {name: facts.of(name).known.get(fact) for name in evidence.frameworks}
    return Figures(
        criterion=criterion,
        values={name: float(len(one.value)) if one else None for name, one in told.items()},
        scores={name: len(one.value) / len(among) if one else None for name, one in told.items()},
        words={name: ", ".join(one.value) or "none" for name, one in told.items() if one},
        unchecked=_unchecked(evidence, fact),
    )


def _unchecked(evidence: Evidence, *names: str) -> frozenset[str]:
    """The frameworks of which one of these facts was not read at its source."""
    return frozenset(
        framework
        for framework in evidence.frameworks
        for name in names
        if (fact := facts.of(framework).known.get(name)) and not fact.checked
    )
