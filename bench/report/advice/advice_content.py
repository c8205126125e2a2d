"""The advice as plain data: rows and sentences, from which every form of it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.advice import claims, facts, personas
from bench.advice.assessment import assess
from bench.advice.claims import title
from bench.advice.criteria import CRITERIA
from bench.advice.evidence import Evidence, Figures
from bench.advice.personas import Persona
from bench.advice.ranking import Advice, advise
from bench.core.errors import UsageError
from bench.records.run_folder import Run
from bench.report.advice.sentences import (
    changes,
    figure_text,
    headline,
    reasons,
    strong_and_weak,
    unknowns,
    without_unread,
)


def collect(
    run: Run,
    chosen: Sequence[Persona],
    overrides: Sequence[str] = (),
    task: str | None = None,
) -> dict[str, Any]:
    """Everything that is said of a run, as plain data that JSON can hold.

    `advice` has what is said to each of the chosen personas: `headline`, `reasons`, `changes` and
    `notes` are sentences, `ranking` and `criteria` rows. What does not depend on whom it is said to
    is beside it, once. Raises UsageError for weights that name nothing, or nothing known, and where
    the run has nothing of the task.
    """
    evidence = Evidence.of(run, task)
    if not evidence.frameworks:
        raise UsageError(f"{run.folder} has no framework to recommend")
    assessed = assess(evidence)
    return {
        "run": run.info.get("name", run.folder.name),
        "tasks": list(evidence.task_names),
        "devices": sorted({one.cell.device for one in evidence.summaries}),
        "overridden": list(overrides),
        "advice": [_told(one, overrides, assessed, evidence) for one in chosen],
        "personas": [_for(one, assessed, evidence) for one in personas.PERSONAS.values()],
        "wisdom": [
            {
                "claim": claim.text,
                "who": claim.who,
                "source": claim.source,
                "tested": claim.tested,
                "outcome": verdict.outcome,
                "figures": verdict.figures,
            }
            for claim, verdict in claims.judge(evidence, assessed)
        ],
        "facts": [_facts(name) for name in evidence.frameworks],
    }


def _told(
    persona: Persona,
    overrides: Sequence[str],
    assessed: Mapping[str, Figures],
    evidence: Evidence,
) -> dict[str, Any]:
    """What one persona is told."""
    advice = advise(assessed, personas.weights(persona, overrides), evidence.frameworks)
    without = without_unread(evidence, advice, assessed)
    names = [one.framework for one in advice.standings]
    return {
        "persona": persona.name,
        "why": persona.why,
        "headline": headline(advice, without),
        "ranking": _ranking(advice),
        "criteria": [_criterion(assessed[name], advice, names) for name in CRITERIA],
        "reasons": reasons(advice, assessed),
        "changes": changes(advice),
        "swaps": [vars(one) for one in advice.swaps],
        "notes": unknowns(evidence, advice, without, assessed, persona),
    }


def _ranking(advice: Advice) -> list[dict[str, Any]]:
    rows = []
    for standing in advice.standings:
        others = [one for one in advice.standings if one is not standing]
        strong, weak = strong_and_weak(standing, others)
        rows.append(
            {
                "rank": standing.rank,
                "framework": standing.framework,
                "title": title(standing.framework),
                "score": standing.score,
                "low": standing.low,
                "high": standing.high,
                "tied": list(standing.tied),
                "known_share": standing.known,
                "strong": strong,
                "weak": weak,
            }
        )
    return rows


def _criterion(figures: Figures, advice: Advice, names: Iterable[str]) -> dict[str, Any]:
    criterion = figures.criterion
    shares = {part.criterion: part.share for part in advice.standings[0].parts}

    def cell(name: str) -> dict[str, Any]:
        interval = figures.intervals.get(name)
        return {
            "value": figures.values[name],
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "score": figures.scores[name],
            "text": figure_text(figures, name),
            "words": figures.words.get(name, ""),
            "checked": name not in figures.unchecked,
        }

    return {
        "name": criterion.name,
        "figure": criterion.figure,
        "unit": criterion.unit,
        "scored": criterion.scored,
        "weight": advice.weights[criterion.name],
        "share": shares.get(criterion.name, 0.0),
        "known": figures.known,
        "frameworks": {name: cell(name) for name in names},
    }


def _for(persona: Persona, assessed: Mapping[str, Figures], evidence: Evidence) -> dict[str, Any]:
    advice = advise(assessed, personas.weights(persona), evidence.frameworks)
    return {
        "name": persona.name,
        "why": persona.why,
        "ranks": {one.framework: one.rank for one in advice.standings},
        "scores": {one.framework: one.score for one in advice.standings},
    }


def _facts(framework: str) -> dict[str, Any]:
    told = facts.of(framework)
    return {
        "framework": framework,
        "title": title(framework),
        "looked_up": told.looked_up.isoformat() if told.looked_up else None,
        "known": {
            name: {**vars(fact), "says": facts.KINDS[name][1]} for name, fact in told.known.items()
        },
    }


def to_json(advice: Mapping[str, Any]) -> str:
    """Of `collect`."""
    return json.dumps(advice, indent=2, ensure_ascii=False, allow_nan=False)
