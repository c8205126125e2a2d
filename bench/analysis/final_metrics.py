"""Final metrics: whether seeds explain their differences, and which cells stand out if not.

The cells of a block share a seed, and with it initial weights, batches and test examples, so the
effect of a seed on all cells is removed first. The cells of one framework share its kernels and may
agree to the last digit. They are therefore compared with each other, and frameworks by the means of
their cells.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.core.grouping import grouped
from bench.core.measurement import Evaluation
from bench.core.record import Cell, Record
from bench.records.snapshot import MetricSnapshot

# Cells are taken to differ where chance alone would make such a difference in 1 of 1,000 tables.
SURE = 1e-3
# With fewer seeds, the test could detect only differences that are obvious anyway.
FEWEST_SEEDS = 3
# Residual degrees of freedom that are believed at most. Frameworks that share kernels vary less
# than others: where one of six varies three times as much as the rest, all ten of three blocks
# would find a difference in 9 of 1,000 tables, and these find it in 0.3.
MOST_FREEDOM = 5

# The metric of a task, by the task's name.
Metrics = Callable[[str], MetricSnapshot]
# Metrics, one for each seed, by the cells that share the row.
Rows = Mapping[tuple[Cell, ...], Sequence[float]]


def blocked(rows: Sequence[Sequence[float]], *, least: float) -> float:
    """The p-value of the hypothesis that all rows of a (rows, blocks) table have the same mean.

    Analysis of variance of a randomised complete block design (Montgomery, Design and Analysis of
    Experiments, section 4.1): F, on (k - 1) and (k - 1)(b - 1) degrees of freedom, is the variance
    between rows over the residual variance, of whose degrees of freedom `MOST_FREEDOM` are
    believed. The residual variance is taken to be at least `least` squared, because a few repeats
    may agree by coincidence.
    """
    from scipy.special import fdtrc  # scipy.stats would take a second to import

    row_freedom, block_freedom = len(rows) - 1, len(rows[0]) - 1
    row_means = [statistics.fmean(row) for row in rows]
    block_means = [statistics.fmean(block) for block in zip(*rows, strict=True)]
    mean = statistics.fmean(row_means)
    squares = sum((row_mean - mean) ** 2 for row_mean in row_means)
    between = (block_freedom + 1) * squares / row_freedom
    residual = sum(
        (value - row_mean - block_mean + mean) ** 2
        for row, row_mean in zip(rows, row_means, strict=True)
        for value, block_mean in zip(row, block_means, strict=True)
    )
    residual_freedom = row_freedom * block_freedom
    noise = max(residual / residual_freedom, least**2)
    if not noise:
        return 0.0 if between else 1.0
    return float(fdtrc(row_freedom, min(residual_freedom, MOST_FREEDOM), between / noise))


def _by_common_seeds(
    last: Collection[Mapping[int, Evaluation]], metric: MetricSnapshot
) -> tuple[list[list[float]], float] | None:
    """Metrics of shape (cells, common seeds), and by how much one test example changes one.

    A fraction changes by up to 1 / examples, another metric by about that share of itself. None if
    fewer than `FEWEST_SEEDS` seeds are common to all cells.
    """
    common = sorted(set.intersection(*map(set, last)))
    if len(common) < FEWEST_SEEDS:
        return None
    rows = [[seeds[seed].metric for seed in common] for seeds in last]
    size = 1.0 if metric.is_fraction else statistics.fmean(abs(v) for row in rows for v in row)
    return rows, size / min(seeds[common[0]].examples for seeds in last)


@dataclass(frozen=True, kw_only=True)
class FinalMetrics:
    """Final metrics of cells with the same task and precision, for their common seeds.

    `resolution` is by how much a single test example changes one.
    """

    metric: MetricSnapshot
    by_cell: Mapping[Cell, Sequence[float]]
    resolution: float

    @staticmethod
    def of(
        last: Mapping[Cell, Mapping[int, Evaluation]], metric: MetricSnapshot
    ) -> FinalMetrics | None:
        """From each cell's last evaluations by seed; None if too few cells or seeds are left."""
        repeated = {cell: seeds for cell, seeds in last.items() if len(seeds) >= FEWEST_SEEDS}
        common = _by_common_seeds(repeated.values(), metric) if len(repeated) > 1 else None
        if not common:
            return None
        rows, resolution = common
        return FinalMetrics(
            metric=metric, by_cell=dict(zip(repeated, rows, strict=True)), resolution=resolution
        )

    def _families(self) -> list[Rows]:
        """The groups of rows to test: the cells of each framework, and the frameworks."""
        frameworks = grouped(self.by_cell, lambda cell: cell.framework)
        families: list[Rows] = [
            {(cell,): self.by_cell[cell] for cell in cells} for cells in frameworks.values()
        ]
        families.append(
            {
                tuple(cells): [
                    statistics.fmean(values)
                    for values in zip(*(self.by_cell[cell] for cell in cells), strict=True)
                ]
                for cells in frameworks.values()
            }
        )
        return [rows for rows in families if len(rows) > 1]

    @cached_property
    def _tested(self) -> list[tuple[float, Rows]]:
        """Each family with its p-value, after Bonferroni's correction for their number."""
        families = self._families()
        return [
            (min(1.0, len(families) * blocked(list(rows.values()), least=self.resolution)), rows)
            for rows in families
        ]

    def p_value(self) -> float | None:
        """The p-value of the differences if only seeds cause them; None for a single cell."""
        return min((p_value for p_value, _ in self._tested), default=None)

    def unexplained(self) -> dict[Cell, str]:
        """The cells whose metrics seeds do not explain, with the reason in words.

        The row that is furthest from the median of all cells is removed until no difference is
        left. Single cells of a framework are removed before whole frameworks, because one cell
        moves its framework's mean.
        """
        significant = next((test for test in self._tested if test[0] < SURE), None)
        if not significant:
            return {}
        p_value, rows = significant
        middle = statistics.median(map(statistics.fmean, self.by_cell.values()))
        distances = {cells: abs(statistics.fmean(row) - middle) for cells, row in rows.items()}
        # Where two rows are equally far from the median, nothing says which one is right.
        furthest = max(distances.values()) * (1 - 1e-9)
        outliers = [cells for cells, distance in distances.items() if distance >= furthest]
        reasons = {
            cell: f"not the same task: final {self.metric.name} "
            f"{self.metric.text(statistics.fmean(self.by_cell[cell]))}, where the median of all "
            f"cells is {self.metric.text(middle)}: more than seeds explain "
            f"(p = {p_value:.1g})"
            for cells in outliers
            for cell in cells
        }
        rest = {cell: values for cell, values in self.by_cell.items() if cell not in reasons}
        return reasons | replace(self, by_cell=rest).unexplained()


# Final metrics by task and precision.
FinalsByWork = Mapping[tuple[str, str], FinalMetrics]


def _last(records: Iterable[Record]) -> dict[int, Evaluation]:
    """The last evaluation of each of a cell's records, by seed."""
    return {
        record.job.seed: record.measurement.evaluations[-1]
        for record in records
        if record.measurement
    }


def by_work(records: Iterable[Record], metrics: Metrics) -> FinalsByWork:
    """The final metrics by task and precision; without those that have too few repeated cells."""
    last_of: dict[tuple[str, str], dict[Cell, dict[int, Evaluation]]] = defaultdict(dict)
    for cell, repeats in grouped(records, lambda record: record.job.cell).items():
        last_of[cell.task, cell.precision][cell] = _last(repeats)
    every = {
        (task, precision): FinalMetrics.of(last, metrics(task))
        for (task, precision), last in last_of.items()
    }
    return {work: final for work, final in every.items() if final}


def unexplained(finals: FinalsByWork) -> dict[Cell, str]:
    """The cells whose final metric seeds do not explain, with the reason in words."""
    return {
        cell: reason for final in finals.values() for cell, reason in final.unexplained().items()
    }


def p_values(finals: FinalsByWork) -> dict[tuple[str, str], float]:
    """By task and precision, the p-value of the cells' differences if only seeds cause them.

    Without those of which fewer than two cells have `FEWEST_SEEDS` seeds in common.
    """
    every = {work: final.p_value() for work, final in finals.items()}
    return {work: p_value for work, p_value in every.items() if p_value is not None}


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """A cell's mean final metrics in two runs, and their p-value if only seeds differ."""

    before: float
    after: float
    p_value: float


def change(
    before: Sequence[Record], after: Sequence[Record], metric: MetricSnapshot
) -> MetricChange | None:
    """How one cell's metric changed between two runs; None if they share too few seeds.

    The p-value is computed from the common seeds, the means from all seeds.
    """
    last = [_last(before), _last(after)]
    common = _by_common_seeds(last, metric)
    if not common:
        return None
    rows, resolution = common
    old, new = (
        statistics.fmean(evaluation.metric for evaluation in evaluations.values())
        for evaluations in last
    )
    return MetricChange(before=old, after=new, p_value=blocked(rows, least=resolution))
