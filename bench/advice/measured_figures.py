"""Criteria that a run measures. A score is the ratio to the best framework.

Half the speed scores 0.5, and so does twice the time or twice the size.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bench.advice import block_draws
from bench.advice.block_draws import Floats, MetricByBlock
from bench.advice.comparable_cells import ComparableCells
from bench.advice.criteria import Criterion
from bench.advice.criterion_figures import CriterionFigures, ratio_to_smallest
from bench.advice.evidence import Evidence
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.processes import Process

# Evaluations until the target at least, so that one more or less is no more than a fifth.
FEWEST_EVALUATIONS = 5
PACE_AGAIN = (
    "left out: on no task does the run evaluate often enough to tell the time to its target from "
    "the pace"
)
# The quantiles of the draws at which an interval ends.
ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


def _by_block(read: Callable[[Process, ComparableCells], float | None]) -> MetricByBlock:
    """A metric read from each process; blocks without a value are left out."""

    def metric(cells: ComparableCells, framework: str) -> dict[int, float]:
        processes = cells.processes[framework]
        values = {block: read(process, cells) for block, process in processes.items()}
        return {block: value for block, value in values.items() if value}

    return metric


def throughput(evidence: Evidence) -> MetricByBlock:
    """Samples a second, as in the run's tables."""

    def metric(cells: ComparableCells, framework: str) -> Mapping[int, float]:
        return cells.summaries[framework].throughputs

    return metric


def time_to_target(evidence: Evidence) -> MetricByBlock:
    """Training seconds until the target of the task's metric, where they are not the pace again.

    They are where all frameworks reach it at the same evaluation; and where evaluations are so far
    apart that one more or less would be a large part of them, only chance tells these apart.
    """

    def read(process: Process, cells: ComparableCells) -> float | None:
        return process.seconds_to_target(evidence.snapshot.metric(cells.task))

    every_block = _by_block(read)
    counts = _by_block(
        lambda process, cells: process.evaluations_to_target(evidence.snapshot.metric(cells.task))
    )

    def metric(cells: ComparableCells, framework: str) -> Mapping[int, float]:
        needed = [counts(cells, name) for name in cells.processes]
        shared = set.intersection(*(set(blocks) for blocks in needed))
        differs = any(len({blocks[block] for blocks in needed}) > 1 for block in shared)
        fewest = min((blocks[block] for blocks in needed for block in shared), default=0)
        return every_block(cells, framework) if differs and fewest >= FEWEST_EVALUATIONS else {}

    return metric


def startup(evidence: Evidence) -> MetricByBlock:
    """Seconds to import the framework and to build the network, which belong together.

    Some frameworks import lazily what others import at once. PyTorch's optimizers, for example,
    import its compiler when the first of them is created, in eager mode too.
    """
    return _by_block(lambda process, _: process.startup_seconds)


def first_step(evidence: Evidence) -> MetricByBlock:
    """Seconds of the first training step."""
    return _by_block(lambda process, _: process.first_step_seconds)


def peak_memory(evidence: Evidence) -> MetricByBlock:
    """The most bytes that a process held: of the GPU's memory on a GPU, else of the machine's."""
    return _by_block(lambda process, _: process.peak_bytes)


def _behind_best(logs: Floats) -> Floats:
    """Logarithms of the ratios to the highest value along the last axis."""
    behind: Floats = logs - logs.max(axis=-1, keepdims=True)
    return behind


def _scores(criterion: Criterion, logs: Floats) -> Floats:
    """The ratios to the best along the last axis, from logarithms of figures."""
    if criterion.unit == "ratio":
        behind = _behind_best(logs) - math.log(criterion.alike)
        return np.exp(np.minimum(behind, 0.0))
    # Above this, or so little that it does not matter how little.
    noticed = np.maximum(logs, math.log(criterion.alike))
    return np.exp(_behind_best(-noticed))


def ratio_to_best(
    evidence: Evidence, criterion: Criterion, metric: MetricByBlock
) -> CriterionFigures:
    """Figures with intervals, and scores with draws.

    Speed is the geometric mean, over tasks, of the ratio to the fastest framework of each task.
    What nobody notices by the criterion scores alike.
    """
    names = evidence.completed
    sample = block_draws.draw(evidence.comparable, names, metric) if names else None
    unknown = dict.fromkeys(evidence.frameworks)
    if sample is None:
        return CriterionFigures(criterion=criterion, values=unknown, scores=unknown)
    more_is_better = criterion.unit == "ratio"
    # A speed is relative to the fastest of its task; seconds and bytes are absolute.
    means, draws = (
        (_behind_best(logs) if more_is_better else logs).mean(axis=-2)
        for logs in (sample.means, sample.draws)
    )
    values, scores = np.exp(means), _scores(criterion, sample.means.mean(axis=-2))
    low, high = np.exp(np.quantile(draws, ENDS, axis=0))
    every = len(evidence.comparable)
    return CriterionFigures(
        criterion=criterion,
        values={**unknown, **dict(zip(names, values.tolist(), strict=True))},
        scores={**unknown, **dict(zip(names, scores.tolist(), strict=True))},
        intervals={
            name: Interval(estimate=float(value), low=float(lowest), high=float(highest))
            for name, value, lowest, highest in zip(names, values, low, high, strict=True)
        }
        if sample.repeated
        else {},
        draws=_scores(criterion, sample.draws.mean(axis=-2)),
        repeated=sample.repeated,
        notes=() if sample.groups == every else (f"from {sample.groups} of {every} comparisons",),
    )


def seconds_to_target(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """Training seconds to the target; a note says so where they are the pace again in all tasks."""
    figures = ratio_to_best(evidence, criterion, time_to_target(evidence))
    if figures.known or not evidence.comparable:
        return figures
    return replace(figures, notes=(PACE_AGAIN,))


def _least(criterion: Criterion, values: Mapping[str, float | None]) -> CriterionFigures:
    """Figures without random variation, of which the smallest is best."""
    scores = ratio_to_smallest(values, alike=criterion.alike)
    return CriterionFigures(criterion=criterion, values=values, scores=scores)


def install_size(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """Bytes on the disk of the packages in a framework's environment."""
    return _least(criterion, {name: evidence.installed_bytes(name) for name in evidence.frameworks})


def lines_of_code(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """Mean lines of code of the run's networks; unknown where a framework lacks one of them."""
    means: dict[str, float | None] = {}
    for framework in evidence.frameworks:
        lines = [evidence.lines_of_code(framework, network) for network in evidence.networks]
        counts = [count for count in lines if count is not None]
        complete = lines and len(counts) == len(lines)
        means[framework] = statistics.fmean(counts) if complete else None
    return _least(criterion, means)


def stability(evidence: Evidence, criterion: Criterion) -> CriterionFigures:
    """The share of a framework's cells, in all modes, that finished with status ok."""
    shares: dict[str, float | None] = {}
    for name in evidence.frameworks:
        statuses = [
            summary.status
            for summary in evidence.results.summaries
            if summary.cell.framework == name
        ]
        shares[name] = statuses.count("ok") / len(statuses)
    return CriterionFigures(criterion=criterion, values=shares, scores=shares)
