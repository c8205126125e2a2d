"""What is said of frameworks, and whether a run bears it out.

A claim has a source, and a test that is a function of the run alone. It `held` where the figures
bear it out beyond chance, it `did not hold` where they speak against it beyond chance, it is
`mixed` where they do both, and else it can't be told from this run. What a test cannot see is said
with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench import tasks
from bench.advice import facts, personas
from bench.advice.assessment import assess
from bench.advice.evidence import Evidence, Figures
from bench.advice.ranking import Advice, advise
from bench.analysis import accuracy, cell_summary
from bench.analysis.cell_summary import CellSummary
from bench.analysis.intervals import Interval, ratio
from bench.launch import catalogue

Outcome = Literal["held", "did not hold", "mixed", "can't be told"]
HELD: Outcome = "held"
DID_NOT_HOLD: Outcome = "did not hold"
MIXED: Outcome = "mixed"
UNTOLD: Outcome = "can't be told"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a claim, and the figures that decide."""

    outcome: Outcome
    figures: str


Test = Callable[[Evidence, Mapping[str, Figures]], Verdict]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is said, who says so, and what the test looks at."""

    name: str
    text: str
    who: str
    source: str
    tested: str
    test: Test


def title(framework: str) -> str:
    """A framework's title; its name where it is not known here."""
    known = framework in catalogue.names()
    return catalogue.load(framework).title if known else framework


def _in_front(advice: Advice, names: Collection[str]) -> Outcome:
    """Whether these are ahead of all others: surely each of each, surely not, or can't be told."""
    there = {one.framework: one for one in advice.standings if one.rank}
    ours = [one for name, one in there.items() if name in names]
    others = [one for name, one in there.items() if name not in names]
    if len(ours) < len(names) or not others:
        return UNTOLD
    pairs = [(one, other) for one in ours for other in others]
    if all(one.score > other.score and other.framework not in one.tied for one, other in pairs):
        return HELD
    if any(one.score < other.score and other.framework not in one.tied for one, other in pairs):
        return DID_NOT_HOLD
    return UNTOLD


def _order(advice: Advice) -> str:
    return ", ".join(f"{title(one.framework)} {one.score:.2f}" for one in advice.standings)


def scale(evidence: Evidence, assessed: Mapping[str, Figures]) -> Verdict:
    """TensorFlow and MXNet: ahead in pace on the headline tasks, of every other framework?"""
    headline = {name for name in tasks.names() if tasks.load(name).headline}
    chosen = [one for one in evidence.settings if one.task in headline] or evidence.settings
    speed = assess(replace(evidence, settings=chosen))
    if not speed["speed"].known:
        return Verdict(outcome=UNTOLD, figures="no speed was measured")
    advice = advise(speed, {"speed": 1.0}, evidence.frameworks)
    ways = "; ".join(
        f"{title(name)} documents {', '.join(fact.value)}"
        for name in evidence.frameworks
        if (fact := facts.of(name).known.get("distributed"))
    )
    return Verdict(
        outcome=_in_front(advice, ("tensorflow_keras", "mxnet_gluon")),
        figures=f"pace on the headline tasks alone, relative to the fastest: {_order(advice)}. "
        f"Parallel training: {ways}",
    )


def start(evidence: Evidence, assessed: Mapping[str, Figures]) -> Verdict:
    """Keras and PyTorch: ahead by the beginner's weights, which `recommend` gives advice by too?"""
    advice = advise(assessed, personas.weights(personas.load("beginner")), evidence.frameworks)
    lines = {name: count for name, count in assessed["code"].values.items() if count is not None}
    shortest = min(lines, key=lambda name: lines[name], default=None)
    code = f"; {title(shortest)} needs the fewest lines, {lines[shortest]:.1f}" if shortest else ""
    return Verdict(
        outcome=_in_front(advice, ("tensorflow_keras", "pytorch")),
        figures=f"score for a beginner: {_order(advice)}{code}",
    )


def _pairs(evidence: Evidence) -> list[tuple[CellSummary, CellSummary, Interval]]:
    """Cells that are compiled, their eager twins, and how many times as fast they are."""
    cells = {one.cell: one for one in evidence.summaries if one.status == "ok"}
    found = []
    for cell, compiled in cells.items():
        eager = cells.get(replace(cell, mode="eager"))
        if cell.mode != "eager" and eager:
            gain = ratio(compiled.throughputs, eager.throughputs)
            if gain and gain.known:
                found.append((compiled, eager, gain))
    return found


NO_PAIRS = "no cell was measured in both modes, twice or more: measure with `--mode all`"


def _of(cells: Sequence[CellSummary]) -> str:
    """How many cells of each framework: 2 of PyTorch, 1 of PaddlePaddle."""
    counts = Counter(title(one.cell.framework) for one in cells)
    return ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))


def _looked_at(pairs: Sequence[tuple[CellSummary, CellSummary, Interval]]) -> str:
    """Whose cells a claim on modes rests on: which modes a run has decides what it can tell."""
    return f"both modes were measured in {len(pairs)} cells ({_of([one for one, *_ in pairs])})"


def compiling(evidence: Evidence, assessed: Mapping[str, Figures]) -> Verdict:
    """Is what compiling costs won back, in every cell?"""
    pairs = _pairs(evidence)
    if not pairs:
        return Verdict(outcome=UNTOLD, figures=NO_PAIRS)
    epochs = [(cell_summary.break_even(compiled, eager), compiled) for compiled, eager, _ in pairs]
    never = [cell for when, cell in epochs if when == math.inf]
    won = [(when, cell) for when, cell in epochs if when is not None and when < math.inf]
    figures = _looked_at(pairs)
    if won:
        first, last = min(when for when, _ in won), max(when for when, _ in won)
        figures += f". It pays in {_of([cell for _, cell in won])}, after {first:.2g} to "
        figures += f"{last:.2g} of the run's epochs"
    if never:
        figures += f". It never pays in {_of(never)}"
    tied = len(pairs) - len(won) - len(never)
    figures += f"; {tied} are tied with eager mode" if tied else ""
    outcome: Outcome = DID_NOT_HOLD if never else HELD if len(won) == len(pairs) else UNTOLD
    return Verdict(outcome=outcome, figures=figures)


def graphs(evidence: Evidence, assessed: Mapping[str, Figures]) -> Verdict:
    """Within each framework: is every cell faster as a graph than eagerly?"""
    pairs = _pairs(evidence)
    if not pairs:
        return _across(evidence)
    faster = [compiled for compiled, _, gain in pairs if gain.low > 1]
    slower = [compiled for compiled, _, gain in pairs if gain.high < 1]
    gains = sorted(gain.estimate for *_, gain in pairs)
    outcome = HELD if len(faster) == len(pairs) else UNTOLD
    if slower:
        outcome = MIXED if faster else DID_NOT_HOLD
    return Verdict(
        outcome=outcome,
        figures=f"{_looked_at(pairs)}. Surely faster: {_of(faster) or 'none'}; surely slower: "
        f"{_of(slower) or 'none'}; {gains[0]:.2f} to {gains[-1]:.2f} times the pace of eager mode",
    )


def _leads(evidence: Evidence, *, eager: bool) -> list[tuple[float, str]]:
    """Where one of a kind of mode is surely ahead of all of the other kind, and by how much."""
    kind, other_kind = ("eager", "compiled") if eager else ("compiled", "eager")
    found: list[tuple[float, str]] = []
    for setting in evidence.settings:
        cells = setting.summaries.values()
        others = [one for one in cells if (one.cell.mode == "eager") != eager]
        for one in (one for one in cells if (one.cell.mode == "eager") == eager):
            gains = [ratio(one.throughputs, other.throughputs) for other in others]
            if gains and all(gain and gain.known and gain.low > 1 for gain in gains):
                least = min(gain.estimate for gain in gains if gain)
                who = f"on {setting.task}, {title(one.cell.framework)}, {kind}, trains {least:.2f} "
                found.append((least, f"{who}times as fast as the best that is {other_kind}"))
    return found


def _across(evidence: Evidence) -> Verdict:
    """Between frameworks, where each has one mode: one that is eager and ahead is enough."""
    eager, compiled = (_leads(evidence, eager=one) for one in (True, False))
    if not eager:
        return Verdict(outcome=UNTOLD, figures=NO_PAIRS)
    told = [max(one)[1] for one in (eager, compiled) if one]
    return Verdict(
        outcome=MIXED if compiled else DID_NOT_HOLD,
        figures=f"{', and '.join(told)}. That is between frameworks; within one, {NO_PAIRS}",
    )


def accuracies(evidence: Evidence, assessed: Mapping[str, Figures]) -> Verdict:
    """Do final accuracies of the same task differ by more than seeds explain?"""
    told: dict[str, float] = {}
    for (name, _), chance in accuracy.p_values(evidence.run.records).items():
        told[name] = min(chance, told.get(name, chance))
    if not told:
        return Verdict(outcome=UNTOLD, figures="too few cells were repeated, or too seldom")
    least = min(told, key=lambda name: told[name])
    differ = told[least] < accuracy.SURE
    return Verdict(
        outcome=HELD if differ else DID_NOT_HOLD,
        figures=f"{len(told)} tasks: the least p-value is {told[least]:.2g}, on {least}: "
        f"{'more' if differ else 'no more'} than seeds explain. Same weights, batches and formula",
    )


CLAIMS = (
    Claim(
        name="scale",
        text="TensorFlow and MXNet lead in large-scale training",
        who="InfoWorld, 2016, on why Amazon picked MXNet: it scales and runs better than others",
        source="https://www.infoworld.com/article/3144025/why-amazon-picked-mxnet-for-deep-learning.html",
        tested="pace on this one machine, as far as that bears on it: large scale was not measured",
        test=scale,
    ),
    Claim(
        name="start",
        text="Keras and PyTorch are easiest to start with",
        who="Machine Learning Freaks, a comparison of TensorFlow, PyTorch and Keras",
        source="https://www.machinelearningfreaks.com/deep-learning-frameworks-a-comprehensive-comparison-of-tensorflow-pytorch-and-keras/",
        tested="the beginner's criteria and weights of this advice; not lessons or error messages",
        test=start,
    ),
    Claim(
        name="compiling",
        text="compiling always pays",
        who="PyTorch's tutorial: torch.compile makes PyTorch code run faster",
        source="https://docs.pytorch.org/tutorials/intermediate/torch_compile_tutorial.html",
        tested="epochs until what compiling cost is won back, where a run has both modes",
        test=compiling,
    ),
    Claim(
        name="graphs",
        text="static graphs are faster than eager execution",
        who="designpattern.fyi: static graphs yield higher performance through optimisation",
        source="https://www.designpattern.fyi/patterns/static-vs-dynamic-graphs/",
        tested="pace of the same network as a graph and eagerly",
        test=graphs,
    ),
    Claim(
        name="accuracies",
        text="frameworks reach different accuracy",
        who="PyTorch's forum: a converted model does not reach the accuracy that it has in Keras",
        source="https://discuss.pytorch.org/t/significant-differences-between-keras-tensorflow-and-torch/181932",
        tested="final accuracies of the same task, against what seeds explain",
        test=accuracies,
    ),
)


def judge(evidence: Evidence, assessed: Mapping[str, Figures]) -> list[tuple[Claim, Verdict]]:
    """Every claim with what came of it."""
    return [(claim, claim.test(evidence, assessed)) for claim in CLAIMS]
