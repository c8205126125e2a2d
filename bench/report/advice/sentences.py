"""Advice in sentences: what comes first and why, and what is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.advice import facts
from bench.advice.assessment import Assessment
from bench.advice.criteria import CRITERIA, Unit
from bench.advice.criterion_figures import CriterionFigures
from bench.advice.evidence import Evidence
from bench.advice.personas import Persona
from bench.advice.ranking import LEAST_KNOWN, Ranking, Standing, rank_frameworks
from bench.report.advice.titles import archived_text, titled
from bench.report.common.text import bytes_text, capitalized, ratio_text, seconds_text
from bench.report.common.ties import ADVICE, listed, ties

# The most criteria that a sentence names.
MOST_NAMED = 3
# Fewer blocks than a standard run has.
FEW_BLOCKS = 5
# A lead of less than this part of the total is not mentioned.
LEAST_LEAD = 0.005

_FORMATS: Mapping[Unit, Callable[[float], str]] = {
    "ratio": ratio_text,
    "seconds": seconds_text,
    "bytes": bytes_text,
    "lines": "{:.1f} lines".format,
    "share": "{:.0%}".format,
    "rank": "no. {:,.0f}".format,
}
_MAXIMA = {"distributed": len(facts.PARALLELISMS), "deployment": len(facts.TARGETS)}


def sentence(text: str) -> str:
    """A text with a capital letter and a full stop."""
    return f"{capitalized(text)}."


def figure_text(figures: CriterionFigures, framework: str) -> str:
    """A framework's figure as people read it."""
    value, unit = figures.values[framework], figures.criterion.unit
    if unit == "months" and framework in figures.words:
        return figures.words[framework]
    if value is None:
        return "unknown"
    if unit == "months":
        return f"{value:.0f} month{'s' * (value != 1)}"
    if unit == "kinds":
        return f"{value:.0f} of {_MAXIMA[figures.criterion.name]}"
    return _FORMATS[unit](value)


def score_text(score: float, low: float | None, high: float | None) -> str:
    """A score, with its interval unless that has no width."""
    if low is None or high is None or low == high:
        return f"{score:.2f}"
    return f"{score:.2f} ({low:.2f}–{high:.2f})"


_ONCE = ("a figure with a weight was measured only once", "--repeats 3 or more")
_DISTURBED = ("others disturbed most of what was timed", "less running beside it")


def headline(
    ranking: Ranking,
    without_unchecked: Ranking | None = None,
    doubts: Sequence[str] = (),
    *,
    disturbed: bool = False,
) -> str:
    """Which framework suits best, or which ones are tied.

    `without_unchecked` is the ranking without the criteria that rest on unchecked facts, if any.
    `doubts` are what the intervals do not cover; where most of a run was `disturbed`, all of it.
    """
    first, *others = ranking.standings
    if not others:
        return (
            f"{titled(first)} is the only framework in this run: there is nothing to choose from."
        )
    if not ranking.repeated or disturbed:
        why, how = _DISTURBED if ranking.repeated else _ONCE
        words = f"By score, {titled(first)} comes first, but {why}, so no difference is certain."
        return f"{words} Measure again with {how}."
    if not first.rank:
        known = f"no framework but {titled(first)}" if first.known >= LEAST_KNOWN else "none"
        return f"Enough to be ranked by these weights is known of {known}."
    if first.tied:
        all_ties = ties(
            ranking.standings,
            tied=lambda left, right: right.framework in left.tied,
            ahead=lambda left, right: bool(left.rank and right.rank) and left.score > right.score,
            name=titled,
            verbs=lambda group: ADVICE,
        )
        words = "; ".join(tie.text for tie in all_ties if first in tie.group)
        return f"{words}: chance may explain their differences."
    score = score_text(first.score, first.low, first.high)
    words = f"{titled(first)} suits best by these weights, with a score of {score}"
    if without_unchecked:
        leader = without_unchecked.standings[0]
        if leader.framework != first.framework or leader.tied:
            return (
                f"{words}, but this is not certain: it depends on facts that were not checked at "
                "their source."
            )
    but = f"; but chance is not all: {'; '.join(doubts)}" if doubts else ""
    return f"{words}, ahead of all others by more than chance explains{but}."


def doubts(evidence: Evidence, ranking: Ranking) -> list[str]:
    """What intervals do not cover, in phrases: disturbed or few blocks, memory counted unlike."""
    if not evidence.compared:
        return ["no cell of this run counts, so that it rests on documented facts alone"]
    phrases = []
    disturbed = sum(summary.mostly_contended for summary in evidence.compared)
    if disturbed:
        phrases.append(f"others disturbed {disturbed} of {len(evidence.compared)} cells")
    blocks = min(summary.repeats for summary in evidence.compared)
    if blocks < FEW_BLOCKS:
        phrases.append("there is one block" if blocks == 1 else f"there are only {blocks} blocks")
    if "cuda" in evidence.devices and ranking.weights.get("memory"):
        phrases.append(
            "a GPU's memory is what tensors took in some frameworks, and what was reserved in "
            "others"
        )
    return phrases


def strong_and_weak(standing: Standing, others: Sequence[Standing]) -> tuple[list[str], list[str]]:
    """The criteria in which a framework is furthest ahead of the others' mean, and behind it."""
    if not others:
        return [], []
    leads = []
    for place, part in enumerate(standing.contributions):
        mean = sum(other.contributions[place].score for other in others) / len(others)
        leads.append((part.share * (part.score - mean), part.criterion))
    leads.sort(reverse=True)
    strong = [name for lead, name in leads if lead >= LEAST_LEAD]
    weak = [name for lead, name in reversed(leads) if lead <= -LEAST_LEAD]
    return strong[:MOST_NAMED], weak[:MOST_NAMED]


def reasons(ranking: Ranking, assessment: Assessment) -> list[str]:
    """The criteria in which the first framework leads the second, or trails it, with figures."""
    if len(ranking.standings) < 2:
        return []
    first, second = ranking.standings[:2]

    def with_figures(criteria: Sequence[str]) -> str:
        texts = []
        for name in criteria:
            figures = [
                figure_text(assessment[name], standing.framework) for standing in (first, second)
            ]
            texts.append(f"{name} ({' against '.join(figures)})")
        return listed(texts)

    ahead, behind = strong_and_weak(first, [second])
    lines = []
    if ahead:
        lines.append(f"{first.title} leads {second.title} most in {with_figures(ahead)}.")
    if behind:
        lines.append(f"It is behind in {with_figures(behind)}.")
    return lines


def unchecked_criteria(ranking: Ranking, assessment: Assessment) -> list[str]:
    """The criteria with a weight that rest on facts not checked at their source."""
    weighted = [name for name, weight in ranking.weights.items() if weight]
    return [name for name in weighted if assessment[name].unchecked and assessment[name].known]


def rank_without_unchecked(
    evidence: Evidence, ranking: Ranking, assessment: Assessment
) -> Ranking | None:
    """The ranking without `unchecked_criteria`.

    None if there are none, or if no other criterion has a weight and a figure.
    """
    unchecked = unchecked_criteria(ranking, assessment)
    weights = {
        name: 0.0 if name in unchecked else weight for name, weight in ranking.weights.items()
    }
    if not unchecked or not any(
        weight and assessment[name].known for name, weight in weights.items()
    ):
        return None
    return rank_frameworks(assessment, weights, evidence.frameworks)


def _unchecked(ranking: Ranking, without: Ranking | None, assessment: Assessment) -> Iterator[str]:
    """Which criteria rest on unchecked facts, and which framework comes first without them."""
    if not (criteria := unchecked_criteria(ranking, assessment)):
        return
    rests = "rests" if len(criteria) == 1 else "rest"
    line = f"{listed(criteria)} {rests} on facts that were not checked at their source (*)"
    if without:
        first = without.standings[0]
        still = " still" * (first.framework == ranking.standings[0].framework)
        pronoun = "it" if len(criteria) == 1 else "them"
        line += f"; without {pronoun}, {first.title}{still} comes first"
        if first.tied:
            titles = {standing.framework: standing.title for standing in without.standings}
            line += f", tied with {listed([titles[name] for name in first.tied])}"
    yield sentence(line)


def _contended(evidence: Evidence) -> Iterator[str]:
    """The cells whose figures other processes disturbed."""
    cells = [
        f"{evidence.title(summary.cell.framework)} {summary.cell.mode} on {summary.cell.task}"
        for summary in evidence.results.summaries
        if summary.mostly_contended
    ]
    if cells:
        yield (
            "Not to be trusted, because most windows were contended by other processes: "
            f"{', '.join(cells)}."
        )


def _archived(evidence: Evidence, ranking: Ranking) -> Iterator[str]:
    """Where archived frameworks score no more than the others, as nobody would choose them."""
    comfort = [
        part.criterion
        for part in ranking.standings[0].contributions
        if CRITERIA[part.criterion].comfort
    ]
    for name, title in evidence.frameworks.items():
        if comfort and (archived := archived_text(name)):
            yield (
                f"{title} is a dead project, {archived}: nobody chooses one for "
                f"{listed(comfort, 'or')}, so it scores no more there than the worst of the others."
            )


def _unknown_scores(standing: Standing) -> Iterator[str]:
    """Which criteria are unknown for a framework, and how that affects its score and rank."""
    missing = [part.criterion for part in standing.contributions if not part.known]
    if missing:
        yield (
            f"Unknown for {standing.title}: {listed(missing)}. Each counts as the middle between "
            "the worst and the best of the others, and its interval spans all between them."
        )
        if standing.known < LEAST_KNOWN:
            share = f"{standing.known:.0%} of the weight"
            yield f"{standing.title} is not ranked: figures are known for only {share}."


def unknowns(
    evidence: Evidence,
    ranking: Ranking,
    without_unchecked: Ranking | None,
    assessment: Assessment,
    persona: Persona,
) -> list[str]:
    """What is unknown or left out, and what that means for the scores."""
    lines = [sentence(persona.unseen)] if persona.unseen else []
    lines += _unchecked(ranking, without_unchecked, assessment)
    lines += _contended(evidence)
    shared_out = "That weight is shared out among the other criteria, in proportion."
    if unknown := [name for name in ranking.unknown if not assessment[name].notes]:
        lines.append(f"Unknown for every framework in this run: {listed(unknown)}. {shared_out}")
    if ranking.alike:
        lines.append(f"All score alike in {listed(ranking.alike)}. {shared_out}")
    lines += _archived(evidence, ranking)
    for standing in ranking.standings:
        lines += _unknown_scores(standing)
    lines += [sentence(line) for line in evidence.left_out]
    lines += [sentence(str(caveat)) for caveat in evidence.results.caveats]
    for name, weight in ranking.weights.items():
        if weight:
            lines += [sentence(f"{name} is {note}") for note in assessment[name].notes]
    return lines
