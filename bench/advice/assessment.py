"""Every criterion's figures of a run.

A figure that is not known is None, and so is its score: it is never taken for a bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.advice import fact_figures, facts, measured_figures
from bench.advice.block_samples import Metric, Setting
from bench.advice.criteria import CRITERIA, Criterion
from bench.advice.evidence import Evidence, Figures
from bench.core.record import Measurement

Judge = Callable[[Evidence, Criterion], Figures]


def _startup(one: Measurement, _: Setting) -> float:
    """Together: what one framework imports at once, another imports as it is first used.

    PyTorch's optimizers import its compiler when the first is made, in eager mode too.
    """
    return one.import_seconds + one.build_seconds


def _first_step(one: Measurement, _: Setting) -> float:
    return one.first_step_seconds


def _measured(metric: Metric) -> Judge:
    return lambda evidence, criterion: measured_figures.scored(evidence, criterion, metric)


def _listed(fact: str, among: Sequence[str]) -> Judge:
    return lambda evidence, criterion: fact_figures.listed(evidence, criterion, fact, among)


_JUDGES: Mapping[str, Judge] = {
    "speed": _measured(measured_figures.throughputs),
    "time-to-accuracy": _measured(measured_figures.metric(measured_figures.target_time)),
    "startup": _measured(measured_figures.metric(_startup)),
    "first-step": _measured(measured_figures.metric(_first_step)),
    "memory": _measured(measured_figures.metric(measured_figures.memory)),
    "install-size": measured_figures.install_size,
    "code": measured_figures.code,
    "stability": measured_figures.stability,
    "upkeep": fact_figures.upkeep,
    "ecosystem": fact_figures.popularity,
    "distributed": _listed("distributed", facts.PARALLELISMS),
    "deployment": _listed("deployment", facts.TARGETS),
}


def assess(evidence: Evidence) -> dict[str, Figures]:
    """Every criterion's figures, by its name."""
    return {name: _JUDGES[name](evidence, criterion) for name, criterion in CRITERIA.items()}
