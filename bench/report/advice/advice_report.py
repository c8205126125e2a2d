"""Advice as typed values: the rows and sentences from which every form of it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.advice import facts, personas
from bench.advice.assessment import Assessment, assess
from bench.advice.claim_tests import ClaimOutcome
from bench.advice.claims import check_claims
from bench.advice.criteria import CRITERIA, Criterion
from bench.advice.criterion_figures import CriterionFigures
from bench.advice.evidence import Evidence
from bench.advice.facts import FrameworkFacts
from bench.advice.personas import Persona
from bench.advice.ranking import Ranking, Standing, WeightSwap, rank_frameworks
from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.report.advice.sentences import (
    doubts,
    figure_text,
    headline,
    rank_without_unchecked,
    reasons,
    strong_and_weak,
    unknowns,
)
from bench.report.advice.titles import archived_text
from bench.report.advice.weight_changes import changes


@dataclass(frozen=True, kw_only=True)
class RankedFramework:
    """A framework's standing, and the criteria in which it is furthest ahead and behind.

    `archived` says since when its project is, or is empty.
    """

    standing: Standing
    archived: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ScoredFigure:
    """A framework's figure in one criterion, with its interval, as a score and as text.

    `words` is the text of a fact. `checked` is False where that fact was not read at its source.
    """

    value: float | None
    low: float | None
    high: float | None
    score: float | None
    text: str
    words: str
    checked: bool


@dataclass(frozen=True, kw_only=True)
class CriterionRow:
    """A criterion with its weight, its share of the whole weight, and each framework's figure.

    `known` is False where no framework has a figure.
    """

    criterion: Criterion
    weight: float
    share: float
    known: bool
    frameworks: Mapping[str, ScoredFigure]


@dataclass(frozen=True, kw_only=True)
class PersonaAdvice:
    """Advice to one persona. `reasons`, `changes` and `notes` are sentences."""

    persona: Persona
    headline: str
    ranking: tuple[RankedFramework, ...]
    criteria: tuple[CriterionRow, ...]
    reasons: tuple[str, ...]
    changes: tuple[str, ...]
    swaps: tuple[WeightSwap, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PersonaRanks:
    """The ranks and scores of all frameworks by a persona's own weights, best first."""

    persona: Persona
    ranks: Mapping[str, str]
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A common claim, who makes it, what was tested, and how the test came out."""

    claim: str
    who: str
    source: str
    tested: str
    outcome: ClaimOutcome
    figures: str


@dataclass(frozen=True, kw_only=True)
class TitledFacts:
    """A framework's facts, with its title."""

    framework: str
    title: str
    facts: FrameworkFacts


@dataclass(frozen=True, kw_only=True)
class AdviceReport:
    """All advice on a run. `advice` is for each of the chosen personas, the rest for everyone.

    `overrides` are the weights that replace the personas' own, such as "speed=3".
    """

    run: str
    tasks: tuple[str, ...]
    devices: tuple[str, ...]
    overrides: tuple[str, ...]
    advice: tuple[PersonaAdvice, ...]
    personas: tuple[PersonaRanks, ...]
    claims: tuple[CheckedClaim, ...]
    facts: tuple[TitledFacts, ...]


def build_report(
    results: Results, chosen: Sequence[Persona], overrides: Sequence[str] = ()
) -> AdviceReport:
    """Advice on a run for each chosen persona.

    Raises UsageError for an invalid weight, and where no criterion with a weight has a figure.
    """
    evidence, run = Evidence.of(results), results.run
    if not evidence.frameworks:
        raise UsageError(f"{run.folder} has no framework to recommend")
    assessment = assess(evidence)
    return AdviceReport(
        run=run.info.get("name", run.folder.name),
        tasks=evidence.task_names,
        devices=evidence.devices,
        overrides=tuple(overrides),
        advice=tuple(
            _persona_advice(persona, overrides, assessment, evidence) for persona in chosen
        ),
        personas=tuple(
            _persona_ranks(persona, assessment, evidence) for persona in personas.PERSONAS.values()
        ),
        claims=tuple(
            CheckedClaim(
                claim=claim.text,
                who=claim.who,
                source=claim.source,
                tested=claim.tested,
                outcome=result.outcome,
                figures=result.figures,
            )
            for claim, result in check_claims(evidence, assessment)
        ),
        facts=tuple(
            TitledFacts(framework=name, title=title, facts=facts.of(name))
            for name, title in evidence.frameworks.items()
        ),
    )


def _persona_advice(
    persona: Persona, overrides: Sequence[str], assessment: Assessment, evidence: Evidence
) -> PersonaAdvice:
    weights = personas.weights(persona, overrides)
    ranking = rank_frameworks(assessment, weights, evidence.frameworks)
    without_unchecked = rank_without_unchecked(evidence, ranking, assessment)
    return PersonaAdvice(
        persona=persona,
        headline=headline(
            ranking,
            without_unchecked,
            doubts(evidence, ranking),
            disturbed=evidence.results.cleanness.mostly_contended,
        ),
        ranking=_ranked(ranking),
        criteria=tuple(_criterion_row(assessment[name], ranking) for name in CRITERIA),
        reasons=tuple(reasons(ranking, assessment)),
        changes=tuple(changes(ranking)),
        swaps=ranking.swaps,
        notes=tuple(unknowns(evidence, ranking, without_unchecked, assessment, persona)),
    )


def _ranked(ranking: Ranking) -> tuple[RankedFramework, ...]:
    rows = []
    for standing in ranking.standings:
        others = [other for other in ranking.standings if other is not standing]
        strong, weak = strong_and_weak(standing, others)
        rows.append(
            RankedFramework(
                standing=standing,
                archived=archived_text(standing.framework),
                strong=tuple(strong),
                weak=tuple(weak),
            )
        )
    return tuple(rows)


def _criterion_row(figures: CriterionFigures, ranking: Ranking) -> CriterionRow:
    name = figures.criterion.name
    shares = {part.criterion: part.share for part in ranking.standings[0].contributions}
    return CriterionRow(
        criterion=figures.criterion,
        weight=ranking.weights[name],
        share=shares.get(name, 0.0),
        known=figures.known,
        frameworks={
            standing.framework: _scored_figure(figures, standing.framework)
            for standing in ranking.standings
        },
    )


def _scored_figure(figures: CriterionFigures, framework: str) -> ScoredFigure:
    interval = figures.intervals.get(framework)
    return ScoredFigure(
        value=figures.values[framework],
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        score=figures.scores[framework],
        text=figure_text(figures, framework),
        words=figures.words.get(framework, ""),
        checked=framework not in figures.unchecked,
    )


def _persona_ranks(persona: Persona, assessment: Assessment, evidence: Evidence) -> PersonaRanks:
    ranking = rank_frameworks(assessment, personas.weights(persona), evidence.frameworks)
    return PersonaRanks(
        persona=persona,
        ranks={standing.framework: standing.rank for standing in ranking.standings},
        scores={standing.framework: standing.score for standing in ranking.standings},
    )
