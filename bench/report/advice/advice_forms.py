"""Advice as people read it: in the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.advice.claim_tests import ClaimOutcome
from bench.report.advice.advice_report import (
    AdviceReport,
    CheckedClaim,
    PersonaAdvice,
    ScoredFigure,
)
from bench.report.advice.sentences import score_text, sentence
from bench.report.advice.titles import titled
from bench.report.common import markdown, terminal
from bench.report.common.markdown import Markdown

_OUTCOMES: Mapping[ClaimOutcome, str] = {
    "held": "green",
    "did not hold": "red",
    "mixed": "yellow",
    "undecided": "yellow",
}
STRONG, WEAK = "ahead of most in", "behind most in"
PERSONAS = "Which framework comes first for whom"
CLAIMS = "Common claims, checked against this run"


@dataclass(frozen=True, kw_only=True)
class AdviceTable:
    """Headings and rows of texts; the first `words` columns hold words, the others figures."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int


def caption(report: AdviceReport, advice: PersonaAdvice) -> str:
    """Whom the advice is for, and the run it is based on."""
    reader = f"Advice for: {advice.persona.name}"
    if report.overrides:
        reader += f" with {', '.join(report.overrides)}"
    tasks, devices = ", ".join(report.tasks), " and ".join(report.devices)
    return f"{reader} — {report.run}: {tasks} on {devices}"


def ranking_table(advice: PersonaAdvice) -> AdviceTable:
    """One row for each framework, best first."""
    rows = []
    for row in advice.ranking:
        place = row.standing
        score = score_text(place.score, place.low, place.high)
        named = titled(place)
        rows.append((place.rank, named, score, ", ".join(row.strong), ", ".join(row.weak)))
    headings = ("rank", "framework", "score (95 %)", STRONG, WEAK)
    return AdviceTable(headings=headings, rows=rows, words=len(headings))


def _scored(figure: ScoredFigure) -> str:
    if figure.score is None:
        return "unknown"
    return f"{figure.text}{'' if figure.checked else '*'} ({figure.score:.2f})"


def criteria_table(advice: PersonaAdvice) -> AdviceTable:
    """One row for each known criterion, with each framework's figure and score."""
    places = [row.standing for row in advice.ranking]
    rows = [
        (
            row.criterion.name,
            f"{row.weight:.3g}" if row.share or not row.weight else "alike",
            *(_scored(row.frameworks[place.framework]) for place in places),
        )
        for row in advice.criteria
        if row.known
    ]
    headings = ("criterion", "weight", *(place.title for place in places))
    return AdviceTable(headings=headings, rows=rows, words=1)


def persona_table(report: AdviceReport) -> AdviceTable:
    """One row for each persona, with each framework's rank."""
    places = [row.standing for row in report.advice[0].ranking]
    rows = [
        (row.persona.name, *(row.ranks[place.framework] or "–" for place in places))
        for row in report.personas
    ]
    headings = ("for", *(place.title for place in places))
    return AdviceTable(headings=headings, rows=rows, words=1)


def key(report: AdviceReport) -> list[str]:
    """How to read the figures."""
    days = [titled.facts.looked_up for titled in report.facts if titled.facts.looked_up]
    lines = [
        "A score runs from 0 to 1. For measured criteria it is the ratio to the best framework: "
        "half the speed scores 0.50. `framebench recommend --help` explains all criteria and "
        "weights."
    ]
    if days:
        lines.append(
            "Upkeep, ecosystem, distributed and deployment rest on facts looked up on "
            f"{max(days)}; * marks one that was not checked at its source. `--facts` prints every "
            "fact with its source."
        )
    return lines


def advice_sections(advice: PersonaAdvice) -> Iterator[tuple[str, Sequence[str]]]:
    """The sentences of advice below their headings."""
    yield "Why", [f"Why these weights: {advice.persona.why}.", *advice.reasons]
    yield "What would change it", advice.changes
    yield "What is unknown or uncertain", advice.notes


def fact_lines(report: AdviceReport) -> Iterator[tuple[str, Sequence[str]]]:
    """Each framework's title and its facts, with their dates and sources."""
    for framework in report.facts:
        lines = []
        for name, fact in framework.facts.by_name.items():
            text = str(fact.value)
            if isinstance(fact.value, list):
                text = ", ".join(fact.value) or "none"
            elif isinstance(fact.value, bool):
                text = "yes" if fact.value else "no"
            note = f"; {fact.note}" if fact.note else ""
            unchecked = "" if fact.checked else " — not checked there"
            title = name.replace("_", " ")
            lines.append(f"{title}: {text} ({fact.date}{note}) {fact.source}{unchecked}")
        yield framework.title, lines or ["no facts are on file"]


def to_terminal(report: AdviceReport, *, width: int, facts: bool) -> Group:
    """For rich to print `width` columns wide; 80 are enough."""
    parts: list[RenderableType] = []
    for advice in report.advice:
        parts += _advice_parts(report, advice, width)
    parts += [Text(PERSONAS, "bold"), _rich_table(persona_table(report), width), Text()]
    parts.append(Text(CLAIMS, "bold"))
    for claim in report.claims:
        outcome = (claim.outcome, _OUTCOMES[claim.outcome])
        parts.append(Text.assemble(f"“{claim.claim}”: ", outcome))
        parts += _indented([sentence(claim.figures), sentence(f"tested: {claim.tested}")])
    if facts:
        for heading, lines in fact_lines(report):
            parts += [Text(), Text(heading, "bold"), *_indented(lines)]
    return Group(*parts, Text(), *(Text(line, "dim") for line in key(report)))


def _advice_parts(
    report: AdviceReport, advice: PersonaAdvice, width: int
) -> Iterator[RenderableType]:
    yield Text(caption(report, advice), "bold")
    yield Text(advice.headline, "green")
    yield Text()
    yield _rich_table(ranking_table(advice), width)
    yield Text()
    yield _rich_table(criteria_table(advice), width)
    yield Text()
    for heading, lines in advice_sections(advice):
        if lines:
            yield Text(heading, "bold")
            yield from _indented(lines)
            yield Text()


def _indented(lines: Sequence[str]) -> list[Padding]:
    return [Padding(Text(line), (0, 0, 0, 2), expand=False) for line in lines]


def _rich_table(table: AdviceTable, width: int) -> Table:
    headings, rows = table.headings, table.rows
    _, stack = terminal.fit(headings, rows, width)
    if stack:
        headings = [heading.replace("/", "/\n") for heading in headings]
        rows = [[terminal.stacked(text) for text in row] for row in rows]
    return terminal.grid(headings, rows, words=table.words, folding=(STRONG, WEAK))


def _markdown_table(table: AdviceTable) -> str:
    return markdown.table(table.headings, table.rows, words=table.words)


def to_markdown(report: AdviceReport, *, facts: bool) -> str:
    """The same as Markdown, ready to paste into an issue."""
    parts: list[str] = []
    for advice in report.advice:
        parts.append(f"# {markdown.escaped(caption(report, advice))}")
        parts.append(markdown.strong(advice.headline))
        parts += [_markdown_table(ranking_table(advice)), _markdown_table(criteria_table(advice))]
        for heading, lines in advice_sections(advice):
            if lines:
                parts += [f"## {heading}", markdown.items(lines)]
    parts += [f"# {PERSONAS}", _markdown_table(persona_table(report)), f"# {CLAIMS}"]
    parts.append(markdown.items(map(_claim_line, report.claims)))
    if facts:
        for title, lines in fact_lines(report):
            parts += [f"# {markdown.escaped(title)}", markdown.items(lines)]
    return "\n\n".join([*parts, *key(report)]) + "\n"


def _claim_line(claim: CheckedClaim) -> Markdown:
    """A claim with its source, and how its test came out."""
    figures = f"{sentence(claim.figures)} {sentence(f'tested: {claim.tested}')}"
    return Markdown(
        f"“{claim.claim}” ([{claim.who}]({claim.source})): {markdown.strong(claim.outcome)}. "
        f"{markdown.escaped(figures)}"
    )
