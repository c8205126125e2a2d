"""Criteria that rest on dated facts about a framework instead of a measurement."""

from __future__ import annotations

from collections.abc import Sequence

from bench.advice import facts
from bench.advice.criteria import UPKEEP_LEAST, UPKEEP_STEPS, Criterion
from bench.advice.criterion_figures import CriterionFigures, ratio_to_smallest
from bench.advice.evidence import Evidence
from bench.advice.facts import FrameworkFacts


def upkeep_score(facts_of: FrameworkFacts) -> float | None:
    """The score by months since the last release; an archived project scores 0."""
    months = facts_of.months_since_release
    if facts_of.archived:
        return 0.0
    if months is None:
        return None
    return next((score for limit, score in UPKEEP_STEPS if months <= limit), UPKEEP_LEAST)


def upkeep(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """Months since the last release, and whether the project is archived."""
    all_facts = {name: facts.of(name) for name in evidence.frameworks}
    return CriterionFigures(
        criterion=criterion,
        values={name: known_facts.months_since_release for name, known_facts in all_facts.items()},
        scores={name: upkeep_score(known_facts) for name, known_facts in all_facts.items()},
        words={
            name: f"archived {known_facts.archived.date}"
            for name, known_facts in all_facts.items()
            if known_facts.archived
        },
        unchecked=_unchecked(evidence, "release", "archived"),
    )


def popularity(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """The rank among the most downloaded packages."""
    ranks = {name: facts.of(name).by_name.get("downloads_rank") for name in evidence.frameworks}
    values = {name: fact.value if fact else None for name, fact in ranks.items()}
    return CriterionFigures(
        criterion=criterion,
        values=values,
        scores=ratio_to_smallest(values, alike=criterion.alike),
        unchecked=_unchecked(evidence, "downloads_rank"),
    )


def documented(
    evidence: Evidence, criterion: Criterion, fact: str, among: Sequence[str]
) -> CriterionFigures:
    """How many of the listed features the framework documents."""
    features = {name: facts.of(name).by_name.get(fact) for name in evidence.frameworks}
    return CriterionFigures(
        criterion=criterion,
        values={
            name: float(len(listed.value)) if listed else None for name, listed in features.items()
        },
        scores={
            name: len(listed.value) / len(among) if listed else None
            for name, listed in features.items()
        },
        words={
            name: ", ".join(listed.value) or "none" for name, listed in features.items() if listed
        },
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
