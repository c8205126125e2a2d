"""Every criterion's figures of a run.

A figure that is not known is None, and so is its score: it is never taken for a bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.advice import facts, known, measured
from bench.advice.criteria import CRITERIA, Criterion
from bench.advice.evidence import Evidence, Figures
from bench.advice.paired import Metric, Setting
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
    return lambda evidence, criterion: measured.scored(evidence, criterion, metric)


def _listed(fact: str, among: Sequence[str]) -> Judge:
    return lambda evidence, criterion: known.listed(evidence, criterion, fact, among)


_JUDGES: Mapping[str, Judge] = {
    "speed": _measured(measured.throughputs),
    "time-to-accuracy": _measured(measured.metric(measured.target_time)),
    "startup": _measured(measured.metric(_startup)),
    "first-step": _measured(measured.metric(_first_step)),
    "memory": _measured(measured.metric(measured.memory)),
    "install-size": measured.install_size,
    "code": measured.code,
    "stability": measured.stability,
    "upkeep": known.upkeep,
    "ecosystem": known.popularity,
    "distributed": _listed("distributed", facts.PARALLELISMS),
    "deployment": _listed("deployment", facts.TARGETS),
}


def assess(evidence: Evidence) -> dict[str, Figures]:
    """Every criterion's figures, by its name."""
    return {name: _JUDGES[name](evidence, criterion) for name, criterion in CRITERIA.items()}
