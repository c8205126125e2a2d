"""Advice as one self-contained page."""

from __future__ import annotations

from bench.report.advice.advice_forms import (
    CLAIMS,
    PERSONAS,
    advice_sections,
    caption,
    criteria_table,
    fact_lines,
    key,
    persona_table,
    ranking_table,
)
from bench.report.advice.advice_report import AdviceReport
from bench.report.advice.sentences import sentence
from bench.report.common.pages import render


def advice_page(report: AdviceReport, *, page: str = "") -> str:
    """The page: for each persona the answer, the ranking, the figures and the reasons.

    `page` is the address of the run's own page, if it has one.
    """
    return render(
        "recommend.html.j2",
        title=f"Which one suits me? By {report.run}",
        parts=[
            {
                "caption": caption(report, advice),
                "headline": advice.headline,
                "ranking": ranking_table(advice),
                "criteria": criteria_table(advice),
                "sections": list(advice_sections(advice)),
            }
            for advice in report.advice
        ],
        personas_heading=PERSONAS,
        personas=persona_table(report),
        claims_heading=CLAIMS,
        claims=report.claims,
        facts=list(fact_lines(report)),
        key=key(report),
        sentence=sentence,
        page=page,
    )
