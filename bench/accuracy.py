"""Final accuracies: whether their seeds explain how they differ, and what stands out if not."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.core.record import Cell, Record

# Cells that differ so by chance, once in a thousand tables, are taken to differ.
SURE = 1e-3

Groups = Mapping[Cell, Sequence[float]]


def _groups(records: Iterable[Record]) -> list[Groups]:
    """Final accuracies of every repeat by cell, for each set of cells that train alike."""
    groups: dict[Cell, dict[Cell, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.measurement:
            cell = record.job.cell
            alike = Cell(framework="", mode="", task=cell.task, precision=cell.precision)
            found = record.measurement.evaluations[-1].accuracy
            groups[alike][cell].append(found)
    return list(groups.values())


def p_value(groups: Groups) -> float | None:
    """How likely the cells' accuracies are to differ so by their seeds alone.

    One-way analysis of variance: the variance between cells against that between the repeats of a
    cell, which have other seeds. Cells of a block share a seed, so they differ less than the test
    supposes: it errs towards "alike". None where no two cells were repeated.
    """
    repeated = [group for group in groups.values() if len(group) > 1]
    if len(repeated) < 2:
        return None
    if all(len(set(group)) == 1 for group in repeated):
        return 1.0 if len({group[0] for group in repeated}) == 1 else 0.0
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
    return float(fdtrc(of_cells, of_repeats, (between / of_cells) / (within / of_repeats)))


def _out_of(groups: Groups) -> dict[Cell, str]:
    left = dict(groups)
    found: dict[Cell, str] = {}
    while (chance := p_value(left)) is not None and chance < SURE:
        means = {cell: statistics.fmean(group) for cell, group in left.items() if len(group) > 1}
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


def smallest_p_value(records: Iterable[Record]) -> float | None:
    """The least of the p-values over all sets of cells that train alike, None if there is none."""
    found = [p_value(groups) for groups in _groups(records)]
    return min((one for one in found if one is not None), default=None)
