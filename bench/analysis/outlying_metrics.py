"""Processes whose final metric stands out from its block: the noise is that of the others alone.

A framework that trains well in one process and badly in the next varies so much that a test of its
mean, with its own variance in it, acquits it (`bench.analysis.final_metrics`). So each process is
held against the other frameworks in its block, by how much these vary among themselves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from bench.analysis.final_metrics import SURE, Metrics
from bench.analysis.findings import WorkFinding
from bench.core.grouping import grouped
from bench.core.measurement import Evaluation
from bench.core.record import Record
from bench.records.snapshot import MetricSnapshot

# Degrees of freedom that are believed at most: metrics have heavier tails than a normal
# distribution. With more, and noise of Student's t with 5 degrees of freedom, 29 of 1,000 tables of
# five frameworks in five blocks had a finding.
MOST_FREEDOM = 4
# Other frameworks that are needed to tell how much frameworks vary.
FEWEST_OTHERS = 2


def findings(records: Iterable[Record], metrics: Metrics) -> Iterator[WorkFinding]:
    """The processes whose final metric is further from the others' than chance explains.

    Chance makes any in at most 1 of 1,000 tables (`SURE`) of one task, precision and budget: the
    level is divided by the number of processes (Bonferroni).
    """
    measured = [record for record in records if record.measurement]
    for table in grouped(measured, _work).values():
        yield from _of_table(table, metrics(table[0].job.cell.task))


def _work(record: Record) -> tuple[object, ...]:
    """What the processes of a table share."""
    cell = record.job.cell
    return (cell.task, cell.precision, cell.workload, record.batch, record.job.budget)


def _last(record: Record) -> Evaluation:
    assert record.measurement
    return record.measurement.evaluations[-1]


def standard_error(evaluation: Evaluation, metric: MetricSnapshot) -> float:
    """By how much a metric varies because the test set is finite; a lower bound of its noise.

    Of a fraction, it is the binomial standard error, with one success and one failure more than
    there were (Agresti and Coull, 1998), as no fraction is sure. Of another metric it is taken to
    be its share of 1 / sqrt(examples).
    """
    size = evaluation.examples
    if not metric.is_fraction:
        return abs(evaluation.metric) / math.sqrt(size)
    share = (evaluation.metric * size + 1) / (size + 2)
    return math.sqrt(max(0.0, share * (1 - share)) / size)


@dataclass(frozen=True, kw_only=True)
class _Others:
    """The other frameworks' metrics: mean and number in each block, and how they vary there.

    `deviation` is their standard deviation within blocks, `freedom` its degrees of freedom, and
    `least` the standard error of the test set.
    """

    by_block: Mapping[int, tuple[float, int]]
    deviation: float
    freedom: int
    least: float

    def p_value(self, block: int, value: float) -> float:
        """The p-value of a value's distance from the mean of the block, if it is one of them.

        The difference of one value and the mean of n others of the same variance, over its standard
        error, is Student's t with the degrees of freedom of that variance, of which `MOST_FREEDOM`
        are believed. Others that agree by coincidence, or to the last digit, must not make a
        difference that the test set explains.
        """
        from scipy.special import ndtr, stdtr  # scipy.stats would take a second to import

        mean, count = self.by_block[block]
        difference, factor = -abs(value - mean), math.sqrt(1 + 1 / count)
        by_chance = [
            2 * float(probability(difference / (deviation * factor)))
            for probability, deviation in (
                (partial(stdtr, min(self.freedom, MOST_FREEDOM)), self.deviation),
                (ndtr, self.least),
            )
            if deviation
        ]
        return max(by_chance, default=float(not difference))


def _of_table(records: Sequence[Record], metric: MetricSnapshot) -> Iterator[WorkFinding]:
    by_framework = grouped(records, lambda record: record.job.cell.framework)
    if len(by_framework) <= FEWEST_OTHERS:
        return
    means = {framework: _block_means(own) for framework, own in by_framework.items()}
    errors = {
        framework: max(standard_error(_last(record), metric) for record in own)
        for framework, own in by_framework.items()
    }
    for framework, own in by_framework.items():
        beside = [name for name in by_framework if name != framework]
        others = _others(
            [means[name] for name in beside], least=max(errors[name] for name in beside)
        )
        if others is None:
            continue
        for record in own:
            if found := _judged(record, others, metric, level=SURE / len(records)):
                yield found


def _block_means(records: Iterable[Record]) -> dict[int, float]:
    """The mean metric of a framework's processes in each block."""
    by_block = grouped(records, lambda record: record.job.block)
    return {
        block: statistics.fmean([_last(record).metric for record in own])
        for block, own in by_block.items()
    }


def _others(means: Sequence[Mapping[int, float]], *, least: float) -> _Others | None:
    """From each other framework's means by block; None if no block has enough of them."""
    by_block: dict[int, tuple[float, int]] = {}
    squares, freedom = 0.0, 0
    for block in dict.fromkeys(chain.from_iterable(means)):
        values = [own[block] for own in means if block in own]
        if len(values) < FEWEST_OTHERS:
            continue
        mean = statistics.fmean(values)
        squares += sum((value - mean) ** 2 for value in values)
        freedom += len(values) - 1
        by_block[block] = (mean, len(values))
    if not freedom:
        return None
    return _Others(
        by_block=by_block, deviation=math.sqrt(squares / freedom), freedom=freedom, least=least
    )


def _judged(
    record: Record, others: _Others, metric: MetricSnapshot, *, level: float
) -> WorkFinding | None:
    """What the process shows, if its distance from the others in its block is beyond chance."""
    cell, block, value = record.job.cell, record.job.block, _last(record).metric
    if block not in others.by_block:
        return None
    p_value = others.p_value(block, value)
    if p_value >= level:
        return None
    mean, _ = others.by_block[block]
    return WorkFinding(
        cell=cell,
        block=block,
        check="metric",
        reason=f"not the same task: final {metric.name} {metric.text(value)}, where the mean of "
        f"the other frameworks is {metric.text(mean)}: more than chance explains "
        f"(p = {p_value:.1g})",
    )
