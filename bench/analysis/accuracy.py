"""Final accuracies: whether seeds explain their differences, and which cells stand out if not.

Cells of a block share a seed, and with it weights, batches and test examples: what a seed does to
all of them is set aside first. Cells of one framework share its kernels, and may end alike to the
last digit: they are compared with each other, and frameworks by the means of their cells.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.core.record import Cell, Evaluation, Record

# Cells that differ so by chance, once in a thousand tables, are taken to differ.
SURE = 1e-3
# With fewer seeds, only differences that are plain to see could be detected.
FEWEST_SEEDS = 3

# Accuracies by seed, of the cells that a row stands for.
Rows = Mapping[tuple[Cell, ...], Sequence[float]]


def blocked(rows: Sequence[Sequence[float]], *, least: float) -> float:
    """How likely the means of rows, (rows, blocks), are to differ so by chance alone: a p-value.

    Analysis of variance of a randomised complete block design (Montgomery, Design and Analysis of
    Experiments, section 4.1): F, on (k - 1) and (k - 1)(b - 1) degrees of freedom, is the variance
    between rows over that which neither rows nor blocks explain. The latter is taken to be no less
    than `least` squared: a few repeats may agree by coincidence.
    """
    from scipy.special import fdtrc  # scipy.stats would take a second to import

    of_rows, of_blocks = len(rows) - 1, len(rows[0]) - 1
    row_means = [statistics.fmean(row) for row in rows]
    block_means = [statistics.fmean(block) for block in zip(*rows, strict=True)]
    mean = statistics.fmean(row_means)
    between = (of_blocks + 1) * sum((one - mean) ** 2 for one in row_means) / of_rows
    left = sum(
        (value - row_mean - block_mean + mean) ** 2
        for row, row_mean in zip(rows, row_means, strict=True)
        for value, block_mean in zip(row, block_means, strict=True)
    )
    noise = max(left / (of_rows * of_blocks), least**2)
    return float(fdtrc(of_rows, of_rows * of_blocks, between / noise))


def _by_common_seeds(
    last: Collection[Mapping[int, Evaluation]],
) -> tuple[list[list[float]], float] | None:
    """Accuracies, (cells, seeds that all of them have), and what one test example counts.

    None where such seeds are too few.
    """
    common = sorted(set.intersection(*map(set, last)))
    if len(common) < FEWEST_SEEDS:
        return None
    rows = [[seeds[seed].accuracy for seed in common] for seeds in last]
    return rows, 1 / min(seeds[common[0]].examples for seeds in last)


@dataclass(frozen=True, kw_only=True)
class Endings:
    """Final accuracies of cells that train alike, by the seeds that all of them have."""

    by_cell: Mapping[Cell, Sequence[float]]
    one_example: float

    @staticmethod
    def of(last: Mapping[Cell, Mapping[int, Evaluation]]) -> Endings | None:
        """From every cell's last evaluation by seed; None where too few were repeated."""
        repeated = {cell: seeds for cell, seeds in last.items() if len(seeds) >= FEWEST_SEEDS}
        common = _by_common_seeds(repeated.values()) if len(repeated) > 1 else None
        if not common:
            return None
        rows, one_example = common
        return Endings(by_cell=dict(zip(repeated, rows, strict=True)), one_example=one_example)

    def _families(self) -> list[Rows]:
        """What is compared with each other: cells of a framework, and frameworks."""
        frameworks: dict[str, list[Cell]] = defaultdict(list)
        for cell in self.by_cell:
            frameworks[cell.framework].append(cell)
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

    def _judged(self) -> list[tuple[float, Rows]]:
        """Every family with its p-value, by Bonferroni's correction for the number of families."""
        families = self._families()
        return [
            (min(1.0, len(families) * blocked(list(rows.values()), least=self.one_example)), rows)
            for rows in families
        ]

    def p_value(self) -> float | None:
        """How likely accuracies are to differ so by seeds alone; None where one cell is left."""
        return min((chance for chance, _ in self._judged()), default=None)

    def unexplained(self) -> dict[Cell, str]:
        """Cells that seeds do not explain, with the reason in words.

        What is furthest from the median of all is taken out until the rest is alike: of a
        framework's cells before whole frameworks, as one cell moves its framework's mean.
        """
        sure = next((judged for judged in self._judged() if judged[0] < SURE), None)
        if not sure:
            return {}
        chance, rows = sure
        middle = statistics.median(map(statistics.fmean, self.by_cell.values()))
        off = {cells: abs(statistics.fmean(row) - middle) for cells, row in rows.items()}
        # Of two that are equally far from the middle, neither is known to be the right one.
        out = [one for one, far in off.items() if far >= max(off.values()) * (1 - 1e-9)]
        reasons = {
            cell: f"not the same task: final accuracy {statistics.fmean(self.by_cell[cell]):.2%}, "
            f"where the middle of all is {middle:.2%}: more than seeds explain (p = {chance:.1g})"
            for cells in out
            for cell in cells
        }
        left = {cell: values for cell, values in self.by_cell.items() if cell not in reasons}
        return reasons | replace(self, by_cell=left).unexplained()


def _last(records: Iterable[Record]) -> dict[int, Evaluation]:
    """The last evaluation by seed, of one cell's records."""
    return {one.job.seed: one.measurement.evaluations[-1] for one in records if one.measurement}


def _endings(records: Iterable[Record]) -> dict[tuple[str, str], Endings]:
    """By task and precision, the cells that train alike; left out where too few were repeated."""
    by_cell: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        by_cell[record.job.cell].append(record)
    alike: dict[tuple[str, str], dict[Cell, dict[int, Evaluation]]] = defaultdict(dict)
    for cell, repeats in by_cell.items():
        alike[cell.task, cell.precision][cell] = _last(repeats)
    made = {what: Endings.of(last) for what, last in alike.items()}
    return {what: endings for what, endings in made.items() if endings}


def unexplained(records: Iterable[Record]) -> dict[Cell, str]:
    """Cells whose final accuracy seeds do not explain, with the reason in words."""
    return {
        cell: why
        for endings in _endings(records).values()
        for cell, why in endings.unexplained().items()
    }


def p_values(records: Iterable[Record]) -> dict[tuple[str, str], float]:
    """By task and precision, how likely the cells' accuracies are to differ so by seeds alone.

    Left out where fewer than two cells have `FEWEST_SEEDS` seeds in common.
    """
    chances = {what: endings.p_value() for what, endings in _endings(records).items()}
    return {what: chance for what, chance in chances.items() if chance is not None}


@dataclass(frozen=True, kw_only=True)
class AccuracyChange:
    """Mean final accuracies of a cell in two runs, and how likely seeds alone move them so."""

    before: float
    after: float
    p_value: float


def change(before: Sequence[Record], after: Sequence[Record]) -> AccuracyChange | None:
    """How one cell's accuracies changed between two runs; None where they share too few seeds.

    The p-value is from the seeds that both have, the means from all.
    """
    last = [_last(before), _last(after)]
    common = _by_common_seeds(last)
    if not common:
        return None
    rows, one_example = common
    old, new = (statistics.fmean(each.accuracy for each in run.values()) for run in last)
    return AccuracyChange(before=old, after=new, p_value=blocked(rows, least=one_example))
