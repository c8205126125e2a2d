"""Criteria that rest on dated facts about a framework instead of a measurement."""

from __future__ import annotations

from collections.abc import Sequence

from bench.advice import facts
from bench.advice.criteria import UPKEEP_LEAST, UPKEEP_STEPS, Criterion
from bench.advice.criterion_figures import CriterionFigures, ratio_to_smallest
from bench.advice.evidence import Evidence
from bench.advice.facts import FrameworkFacts


def upkeep_score(known: FrameworkFacts) -> float | None:
    """The score by months since the last release; an archived project scores 0."""
    archived, months = known.by_name.get("archived"), known.months_since_release
    if archived and archived.value:
        return 0.0
    if months is None:
        return None
    return next((score for limit, score in UPKEEP_STEPS if months <= limit), UPKEEP_LEAST)


def upkeep(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """Months since the last release, and whether the project is archived."""
    known = {name: facts.of(name) for name in evidence.frameworks}
    return CriterionFigures(
        criterion=criterion,
        values={name: each.months_since_release for name, each in known.items()},
        scores={name: upkeep_score(each) for name, each in known.items()},
        words={
            name: f"archived {fact.date}"
            for name, each in known.items()
            if (fact := each.by_name.get("archived")) and fact.value
        },
        unchecked=_unchecked(evidence, "release", "archived"),
    )


def popularity(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """The rank among the most downloaded packages."""
    known = {name: facts.of(name).by_name.get("downloads_rank") for name in evidence.frameworks}
    values = {name: fact.value if fact else None for name, fact in known.items()}
    return CriterionFigures(
        criterion=criterion,
        values=values,
        scores=ratio_to_smallest(values),
        unchecked=_unchecked(evidence, "downloads_rank"),
    )


def documented(
    evidence: Evidence, criterion: Criterion, fact: str, among: Sequence[str]
) -> CriterionFigures:
    """How many of the listed features the framework documents."""
    known = {name: facts.of(name).by_name.get(fact) for name in evidence.frameworks}
    return CriterionFigures(
        criterion=criterion,
        values={name: float(len(each.value)) if each else None for name, each in known.items()},
        scores={
            name: len(each.value) / len(among) if each else None for name, each in known.items()
        },
        words={name: ", ".join(each.value) or "none" for name, each in known.items() if each},
        unchecked=_unchecked(evidence, fact),
    )


def _unchecked(evidence: Evidence, *names: str) -> frozenset[str]:
    """The frameworks for which one of these facts was not read at its source."""
    return frozenset(
        framework
        for framework in evidence.frameworks
        for name in names
        if (fact := facts.of(framework).by_name.get(name)) and not fact.checked
    )
