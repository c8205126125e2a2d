"""Every criterion's figures and scores for a run.

An unknown figure is None, and so is its score. It is never counted as a bad figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.advice import fact_figures, facts, measured_figures
from bench.advice.block_draws import MetricByBlock
from bench.advice.criteria import CRITERIA, Criterion
from bench.advice.criterion_figures import CriterionFigures
from bench.advice.evidence import Evidence

Assessment = Mapping[str, CriterionFigures]
_Read = Callable[[Evidence, Criterion], CriterionFigures]


def _measured(metric: Callable[[Evidence], MetricByBlock]) -> _Read:
    return lambda evidence, criterion: measured_figures.ratio_to_best(
        evidence, criterion, metric(evidence)
    )


def _documented(fact: str, among: Sequence[str]) -> _Read:
    return lambda evidence, criterion: fact_figures.documented(evidence, criterion, fact, among)


_READERS: Mapping[str, _Read] = {
    "speed": _measured(measured_figures.throughput),
    "time-to-target": measured_figures.seconds_to_target,
    "startup": _measured(measured_figures.startup),
    "first-step": _measured(measured_figures.first_step),
    "memory": _measured(measured_figures.peak_memory),
    "install-size": measured_figures.install_size,
    "code": measured_figures.lines_of_code,
    "stability": measured_figures.stability,
    "upkeep": fact_figures.upkeep,
    "ecosystem": fact_figures.popularity,
    "distributed": _documented("distributed", facts.PARALLELISMS),
    "deployment": _documented("deployment", facts.TARGETS),
}


def assess(evidence: Evidence) -> dict[str, CriterionFigures]:
    """The figures of every criterion, by the criterion's name."""
    archived = [name for name in evidence.frameworks if facts.of(name).archived]
    figures = {name: _READERS[name](evidence, criterion) for name, criterion in CRITERIA.items()}
    return {
        name: of.without_comfort_of(archived) if of.criterion.comfort else of
        for name, of in figures.items()
    }
