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


def _latency(one: Measurement, _: Setting) -> float:
    return one.build_seconds + one.first_step_seconds


def _import(one: Measurement, _: Setting) -> float:
    return one.import_seconds


def _measured(metric: Metric) -> Judge:
    return lambda evidence, criterion: measured.scored(evidence, criterion, metric)


def _listed(fact: str, among: Sequence[str]) -> Judge:
    return lambda evidence, criterion: known.listed(evidence, criterion, fact, among)


_JUDGES: Mapping[str, Judge] = {
    "speed": _measured(measured.throughputs),
    "accuracy-time": _measured(measured.metric(measured.target_time)),
    "latency": _measured(measured.metric(_latency)),
    "memory": _measured(measured.metric(measured.memory)),
    "install": measured.install_size,
    "import": _measured(measured.metric(_import)),
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
