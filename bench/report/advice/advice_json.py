"""Advice as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.advice import facts
from bench.report.advice.advice_report import (
    AdviceReport,
    CriterionRow,
    PersonaAdvice,
    RankedFramework,
    TitledFacts,
)
from bench.report.common import programs


def to_json(report: AdviceReport) -> str:
    """All advice on a run: figures in their units, scores from 0 to 1, sentences as text."""
    fields = {
        "run": report.run,
        "tasks": report.tasks,
        "devices": report.devices,
        "overridden": report.overrides,
        "advice": [_advice(advice) for advice in report.advice],
        "personas": [
            {
                "name": row.persona.name,
                "why": row.persona.why,
                "ranks": row.ranks,
                "scores": row.scores,
            }
            for row in report.personas
        ],
        "wisdom": [asdict(claim) for claim in report.claims],
        "facts": [_facts(framework) for framework in report.facts],
    }
    return programs.to_json(fields)


def _advice(advice: PersonaAdvice) -> dict[str, Any]:
    return {
        "persona": advice.persona.name,
        "why": advice.persona.why,
        "headline": advice.headline,
        "ranking": [_ranked(row) for row in advice.ranking],
        "criteria": [_criterion(row) for row in advice.criteria],
        "reasons": advice.reasons,
        "changes": advice.changes,
        "swaps": [
            {
                "criterion": swap.criterion,
                "weight": swap.weight,
                "level": swap.level,
                "more": swap.above,
                "first": swap.first,
            }
            for swap in advice.swaps
        ],
        "notes": advice.notes,
    }


def _ranked(row: RankedFramework) -> dict[str, Any]:
    standing = row.standing
    return {
        "rank": standing.rank,
        "framework": standing.framework,
        "title": standing.title,
        "archived": row.archived,
        "score": standing.score,
        "low": standing.low,
        "high": standing.high,
        "tied": standing.tied,
        "known_share": standing.known,
        "strong": row.strong,
        "weak": row.weak,
    }


def _criterion(row: CriterionRow) -> dict[str, Any]:
    return {
        "name": row.criterion.name,
        "figure": row.criterion.figure,
        "unit": row.criterion.unit,
        "scored": row.criterion.scored,
        "weight": row.weight,
        "share": row.share,
        "known": row.known,
        "frameworks": {name: asdict(figure) for name, figure in row.frameworks.items()},
    }


def _facts(framework: TitledFacts) -> dict[str, Any]:
    facts_of = framework.facts
    return {
        "framework": framework.framework,
        "title": framework.title,
        "looked_up": facts_of.looked_up.isoformat() if facts_of.looked_up else None,
        "known": {
            name: {**asdict(fact), "says": facts.KINDS[name][1]}
            for name, fact in facts_of.by_name.items()
        },
    }
