"""The advice in sentences: who comes first, why, what is not known, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.advice import facts
from bench.advice.claims import title
from bench.advice.criteria import Unit
from bench.advice.evidence import Evidence, Figures
from bench.advice.personas import HIGHEST, Persona
from bench.advice.ranking import LEAST_KNOWN, Advice, Standing, Swap, advise
from bench.analysis.contention import MOST_CONTENDED
from bench.report.common.text import bytes_text, ratio_text, seconds_text
from bench.report.common.ties import ADVICE, listed, ties

# How many criteria a sentence names.
MOST = 3
# A lead of less than this much of the whole score is not worth a word.
LEAST_LEAD = 0.005

_WRITTEN: Mapping[Unit, Callable[[float], str]] = {
    "ratio": ratio_text,
    "seconds": seconds_text,
    "bytes": bytes_text,
    "lines": "{:.1f} lines".format,
    "share": "{:.0%}".format,
    "rank": "no. {:,.0f}".format,
}
_OUT_OF = {"distributed": len(facts.PARALLELISMS), "deployment": len(facts.TARGETS)}


def figure_text(figures: Figures, framework: str) -> str:
    """A framework's figure as people read it."""
    value, unit = figures.values[framework], figures.criterion.unit
    if unit == "months" and framework in figures.words:
        return figures.words[framework]
    if value is None:
        return "not known"
    if unit == "months":
        return f"{value:.0f} month{'s' * (value != 1)}"
    if unit == "kinds":
        return f"{value:.0f} of {_OUT_OF[figures.criterion.name]}"
    return _WRITTEN[unit](value)


def _span(standing: Standing) -> str:
    if standing.low is None or standing.high is None or standing.low == standing.high:
        return f"{standing.score:.2f}"
    return f"{standing.score:.2f} ({standing.low:.2f}–{standing.high:.2f})"


def headline(advice: Advice, without: Advice | None = None) -> str:
    """Who comes first, or who cannot be told from whom.

    `without` is the advice without what rests on facts that nobody read at their source, if any.
    """
    first, *others = advice.standings
    name = title(first.framework)
    if not others:
        return f"{name} is alone in this run: there is nothing to choose from."
    if not advice.repeated:
        return (
            f"By score {name} comes first, but a figure that weighs was measured once: nothing is "
            "surely ahead of anything. Measure again with --repeats 3 or more."
        )
    if first.tied:
        found = ties(
            advice.standings,
            tied=lambda one, other: other.framework in one.tied,
            ahead=lambda one, other: bool(one.rank and other.rank) and one.score > other.score,
            name=lambda one: title(one.framework),
            verbs=lambda group: ADVICE,
        )
        words = "; ".join(one.text for one in found if first in one.group)
        return f"{words}: the intervals of their differences include 0."
    words = f"{name} suits best, by these weights: {_span(first)}"
    if without:
        leader = without.standings[0]
        if leader.framework != first.framework or leader.tied:
            return f"{words}; without facts that were not read at their source, that is not sure."
    return f"{words}, ahead of all others by more than measurement noise."


def leads(standing: Standing, others: Sequence[Standing]) -> list[tuple[float, str]]:
    """What each criterion adds to a score, over its mean for the others; the greatest first."""
    found = []
    for place, part in enumerate(standing.parts):
        mean = sum(one.parts[place].score for one in others) / len(others)
        found.append((part.share * (part.score - mean), part.criterion))
    return sorted(found, reverse=True)


def strong_and_weak(standing: Standing, others: Sequence[Standing]) -> tuple[list[str], list[str]]:
    """The criteria in which a framework is furthest ahead of the others' mean, and behind it."""
    if not others:
        return [], []
    found = leads(standing, others)
    strong = [name for lead, name in found if lead >= LEAST_LEAD]
    weak = [name for lead, name in reversed(found) if lead <= -LEAST_LEAD]
    return strong[:MOST], weak[:MOST]


def reasons(advice: Advice, assessed: Mapping[str, Figures]) -> list[str]:
    """In what the first is ahead of the second, and in what behind, with the figures."""
    if len(advice.standings) < 2:
        return []
    first, second = advice.standings[:2]

    def against(name: str) -> str:
        figures = assessed[name]
        both = (figure_text(figures, one.framework) for one in (first, second))
        return f"{name} ({' against '.join(both)})"

    ahead, behind = strong_and_weak(first, [second])
    lines = []
    if ahead:
        gains = listed([against(name) for name in ahead])
        lines.append(f"{title(first.framework)} leads {title(second.framework)} most in {gains}.")
    if behind:
        losses = listed([against(name) for name in behind])
        lines.append(f"It is behind in {losses}.")
    return lines


def _moved(swap: Swap) -> str:
    side = "more" if swap.more else "less"
    return f"{swap.criterion} {side} than {swap.level:.3g} (now {swap.weight:.3g})"


def changes(advice: Advice) -> list[str]:
    """Which weight, moved alone, puts the second ahead of the first; the least moves first."""
    if len(advice.standings) < 2:
        return []
    second = title(advice.standings[1].framework)
    able = [one for one in advice.swaps if one.level is not None]
    able.sort(key=lambda one: abs((one.level or 0) - one.weight))
    if not able:
        return [f"No weight from 0 to {HIGHEST:g}, moved alone, puts {second} ahead."]
    named = listed([_moved(one) for one in able[:MOST]], "or")
    more = len(able) - MOST
    rest = f"{more} other{'s' * (more != 1)} would have to move further" if more > 0 else ""
    rest = rest or f"no other weight from 0 to {HIGHEST:g} does it"
    these = "any one of these weights" if len(able) > 1 else "this weight"
    return [f"{second} would come first if {these} changed: {named}; {rest}."]


def unread(advice: Advice, assessed: Mapping[str, Figures]) -> list[str]:
    """The criteria that weigh and rest on facts that were not read at their source."""
    weigh = [name for name, weight in advice.weights.items() if weight]
    return [name for name in weigh if assessed[name].unchecked and assessed[name].known]


def without_unread(
    evidence: Evidence, advice: Advice, assessed: Mapping[str, Figures]
) -> Advice | None:
    """The advice without those; None where there are none, or nothing else weighs."""
    starred = unread(advice, assessed)
    weights = {name: 0.0 if name in starred else one for name, one in advice.weights.items()}
    if not starred or not any(one and assessed[name].known for name, one in weights.items()):
        return None
    return advise(assessed, weights, evidence.frameworks)


def _unchecked(
    advice: Advice, without: Advice | None, assessed: Mapping[str, Figures]
) -> Iterator[str]:
    """Which criteria rest on facts that were not read at their source, and who leads without."""
    if not (starred := unread(advice, assessed)):
        return
    rests = "rests" if len(starred) == 1 else "rest"
    line = f"{listed(starred)} {rests} on facts that were not read at their source (*)"
    line = f"{line[0].upper()}{line[1:]}"
    if without:
        first = without.standings[0]
        still = " still" * (first.framework == advice.standings[0].framework)
        line += f"; without, {title(first.framework)}{still} comes first"
        if first.tied:
            line += f", and can't be told from {listed([title(one) for one in first.tied])}"
    yield f"{line}."


def _contended(evidence: Evidence) -> Iterator[str]:
    """The cells whose figures others disturbed."""
    found = [
        f"{title(one.cell.framework)} {one.cell.mode} on {one.cell.task}"
        for one in evidence.summaries
        if (one.contended or 0) > MOST_CONTENDED
    ]
    if found:
        yield f"Not to be trusted, as most windows were contended: {', '.join(found)}."


def unknowns(
    evidence: Evidence,
    advice: Advice,
    without: Advice | None,
    assessed: Mapping[str, Figures],
    persona: Persona,
) -> list[str]:
    """What is not known or left out, and what that means for the scores."""
    lines = [f"{persona.unseen[0].upper()}{persona.unseen[1:]}."] if persona.unseen else []
    lines += _unchecked(advice, without, assessed)
    lines += _contended(evidence)
    if advice.unknown:
        lines.append(
            f"Not known of any framework in this run: {listed(advice.unknown)}. The weight falls "
            "to the others, in proportion."
        )
    for standing in advice.standings:
        missing = [one.criterion for one in standing.parts if not one.known]
        if not missing:
            continue
        name = title(standing.framework)
        lines.append(
            f"Not known of {name}: {listed(missing)}. Counted as the middle of the others; its "
            "interval is as wide as they differ."
        )
        if standing.known < LEAST_KNOWN:
            lines.append(f"{name} is not ranked: {standing.known:.0%} of the weight is known.")
    lines += [f"{line}." for line in evidence.left_out]
    for name, weight in advice.weights.items():
        if weight:
            lines += [f"{name} is {one}." for one in assessed[name].notes]
    return lines
