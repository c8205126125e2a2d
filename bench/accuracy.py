"""Final accuracies: whether their seeds explain how they differ, and what stands out if not."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.core.record import Cell, Record

# Cells that differ so by chance, once in a thousand tables, are taken to differ.
SURE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Group:
    """Final accuracies of a cell's repeats, on so many test examples."""

    examples: int
    accuracies: list[float] = field(default_factory=list)


Groups = Mapping[Cell, Group]


def _groups(records: Iterable[Record]) -> list[Groups]:
    """Final accuracies of every repeat by cell, for each set of cells that train alike."""
    groups: dict[tuple[str, str], dict[Cell, Group]] = defaultdict(dict)
    for record in records:
        if record.measurement:
            cell = record.job.cell
            alike = groups[cell.task, cell.precision]
            last = record.measurement.evaluations[-1]
            if cell not in alike:
                alike[cell] = Group(examples=last.examples)
            alike[cell].accuracies.append(last.accuracy)
    return list(groups.values())


def p_value(groups: Groups) -> float | None:
    """How likely the cells' accuracies are to differ so by their seeds alone.

    One-way analysis of variance: the variance between cells against that between the repeats of a
    cell, which have other seeds. Cells of a block share a seed, so they differ less than the test
    supposes: it errs towards "alike". None where no two cells were repeated.

    The variance between repeats is taken to be no less than p (1 - p) / n, which counting the right
    ones of n test examples has: few repeats are the same by coincidence.
    """
    repeated = [group.accuracies for group in groups.values() if len(group.accuracies) > 1]
    if len(repeated) < 2:
        return None
    from scipy.special import fdtrc  # scipy.stats would take a second to import

    total = sum(len(group) for group in repeated)
    means = [statistics.fmean(group) for group in repeated]
    mean = sum(map(sum, repeated)) / total
    between = sum(
        len(group) * (one - mean) ** 2 for group, one in zip(repeated, means, strict=True)
    )
    within = sum(
        (value - one) ** 2 for group, one in zip(repeated, means, strict=True) for value in group
    )
    of_cells, of_repeats = len(repeated) - 1, total - len(repeated)
    counting = mean * (1 - mean) / min(group.examples for group in groups.values())
    noise = max(within / of_repeats, counting)
    if not noise:  # all of them right, or all wrong
        return 1.0
    return float(fdtrc(of_cells, of_repeats, between / of_cells / noise))


def _out_of(groups: Groups) -> dict[Cell, str]:
    left = dict(groups)
    found: dict[Cell, str] = {}
    while (chance := p_value(left)) is not None and chance < SURE:
        means = {
            cell: statistics.fmean(group.accuracies)
            for cell, group in left.items()
            if len(group.accuracies) > 1
        }
        middle = statistics.median(means.values())
        furthest = max(abs(mean - middle) for mean in means.values())
        # Of two cells, both are as far from the middle: neither can be told to be the right one.
        for cell in [one for one in means if abs(means[one] - middle) >= furthest * (1 - 1e-9)]:
            del left[cell]
            found[cell] = (
                f"not the same task: final accuracy {means[cell]:.2%}, where the middle of "
                f"all is {middle:.2%}: more than seeds explain (p = {chance:.1g})"
            )
    return found


def unexplained(records: Iterable[Record]) -> dict[Cell, str]:
    """Cells whose final accuracy seeds do not explain, with the reason in words.

    The cell that is furthest from the median is taken out until the rest are alike.
    """
    return {cell: why for groups in _groups(records) for cell, why in _out_of(groups).items()}


def p_values(records: Iterable[Record]) -> dict[tuple[str, str], float]:
    """By task and precision, how likely the cells' accuracies are to differ so by seeds alone.

    Left out where no two cells were repeated.
    """
    found: dict[tuple[str, str], float] = {}
    for groups in _groups(records):
        cell = next(iter(groups))
        if (chance := p_value(groups)) is not None:
            found[cell.task, cell.precision] = chance
    return found
