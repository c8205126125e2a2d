"""Estimates with 95 % intervals, and ranks that follow from them: numbers in, numbers out.

Throughputs are compared as ratios, and noise multiplies them, so all is worked out on logarithms:
an estimate is a geometric mean, and the ratio of two geometric means is that of the ratios.

Intervals are Student's (1908): mean ± t(0.975, n - 1) s / √n, with s over n processes or n pairs.
Not a bootstrap: resampled means lie between the lowest and the highest value, and that range holds
the middle of a symmetric distribution with probability 1 - 2^(1 - n), which is 75 % for 3 values
and 94 % for 5; and a studentized bootstrap of 3 values has no upper end at all. Student's interval
holds what it claims from 2 values on: `python -m tests.benchmarks.verdicts` has the figures.

Two runs share no blocks, and their values cannot be paired: the interval of their ratio is Welch's
(1947), which does not suppose that both vary alike, with Satterthwaite's degrees of freedom (1946).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the ends of its interval, in the unit of the values; all are above 0.

    The uncertainty of a single value is not known: its interval runs from 0 to infinity.
    """

    estimate: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there were values enough for the interval to have ends."""
        return math.isfinite(self.high)

    @property
    def half_width(self) -> float:
        """How far the further end is off, over the estimate: 0.02 is "within 2 %"."""
        return max(self.high - self.estimate, self.estimate - self.low) / self.estimate

    def includes(self, value: float) -> bool:
        return self.low <= value <= self.high


def _logs(values: Collection[float]) -> list[float]:
    if not values or not all(0 < value < math.inf for value in values):
        raise ValueError(f"a geometric mean needs positive, finite values, not {[*values]}")
    return [math.log(value) for value in values]


def _spread(logs: Sequence[float]) -> tuple[float, float]:
    """The mean and the variance. They are few values, which numpy takes eight times as long for."""
    mean = math.fsum(logs) / len(logs)
    return mean, math.fsum((one - mean) ** 2 for one in logs) / (len(logs) - 1)


def geometric_mean(values: Collection[float]) -> Interval:
    """The geometric mean of independent values, with its interval.

    Raises ValueError where there is no value, or one that is not positive and finite.
    """
    logs = _logs(values)
    if len(logs) == 1:
        return Interval(estimate=math.exp(logs[0]), low=0.0, high=math.inf)
    from scipy.special import stdtrit  # only now: what does not estimate need not wait for it

    mean, variance = _spread(logs)
    quantile = float(stdtrit(len(logs) - 1, (1 + CONFIDENCE) / 2))
    margin = quantile * math.sqrt(variance / len(logs))
    return Interval(
        estimate=math.exp(mean), low=math.exp(mean - margin), high=math.exp(mean + margin)
    )


def ratio(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """How many times as fast as `second` is `first`? Their throughputs are by block.

    From pairs within a block: what slows a whole block alike cancels. A block that only one of them
    has does not count; None where they share no block.
    """
    shared = sorted(first.keys() & second.keys())
    return geometric_mean([first[at] / second[at] for at in shared]) if shared else None


@dataclass(frozen=True, kw_only=True)
class _Welch:
    """The logarithm of a ratio of two geometric means, its standard error, degrees of freedom."""

    mean: float
    error: float
    freedom: float

    @staticmethod
    def of(first: Collection[float], second: Collection[float]) -> _Welch | None:
        """None where either has one value, which says nothing about how much it varies."""
        logs = _logs(first), _logs(second)
        if min(map(len, logs)) < 2:
            return None
        (first_mean, first_variance), (second_mean, second_variance) = map(_spread, logs)
        shares = first_variance / len(logs[0]), second_variance / len(logs[1])
        total = sum(shares)
        freedom = 1.0  # where nothing varies any will do
        if total:
            parts = zip(shares, logs, strict=True)
            freedom = 1 / sum((share / total) ** 2 / (len(one) - 1) for share, one in parts)
        return _Welch(mean=first_mean - second_mean, error=math.sqrt(total), freedom=freedom)


def unpaired_ratio(first: Collection[float], second: Collection[float]) -> Interval:
    """How many times as fast as `second` is `first`, from throughputs that share no blocks?

    Welch's interval on logarithms. What slowed one of the two as a whole does not cancel, and does
    not show in the interval either. Raises ValueError as `geometric_mean` does.
    """
    welch = _Welch.of(first, second)
    if welch is None:
        estimate = geometric_mean(first).estimate / geometric_mean(second).estimate
        return Interval(estimate=estimate, low=0.0, high=math.inf)
    from scipy.special import stdtrit

    margin = float(stdtrit(welch.freedom, (1 + CONFIDENCE) / 2)) * welch.error
    return Interval(
        estimate=math.exp(welch.mean),
        low=math.exp(welch.mean - margin),
        high=math.exp(welch.mean + margin),
    )


def chance_below(first: Collection[float], second: Collection[float], bound: float) -> float | None:
    """The one-sided p-value of Welch's test that `first` over `second` is below `bound`.

    How likely the values are to look so, or further below, where the true ratio is `bound` or more.
    None where either has one value.
    """
    welch = _Welch.of(first, second)
    if welch is None:
        return None
    distance = welch.mean - math.log(bound)
    if not welch.error:
        return 0.0 if distance < 0 else 1.0
    from scipy.special import stdtr

    return float(stdtr(welch.freedom, distance / welch.error))


def holm(chances: Sequence[float], level: float) -> list[bool]:
    """Which of several p-values hold by Holm's correction (1979), in their order.

    If none of the tested effects is there, any is claimed in at most `level` of cases, however the
    tests depend on each other.
    """
    held = [False] * len(chances)
    for rank, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[at] > level / (len(chances) - rank):
            break
        held[at] = True
    return held


def ranks(ratios: Sequence[Sequence[Interval | None]]) -> list[str]:
    """The rank of each cell, such as "1", "2=", "2=" and "4"; `ratios[i][j]` is of i over j.

    Two cells are tied where the interval of their ratio includes 1; else one is surely faster. A
    rank is 1 more than the number of cells that are surely faster, directly or through a cell
    between (a faster than b, b faster than c). "=" marks a cell that is tied with any other.

    A cell that varies much may be tied with one of rank 4 that measured faster, and have a single
    cell surely before it: it is of rank 4 too, since a table in which it stands below as "2=" reads
    as if it were sorted wrongly.

    Ties do not carry over: a and b may be tied, b and c too, and a be faster than c. Then a is
    "1=", b is "1=" (nothing is surely faster) and c is "2=" (a is faster; b may not be). Two cells
    of one rank are always tied. A cell has no rank ("") where a comparison of it has no interval.

    Each pair is judged by itself, and one equal pair in twenty is called different: of four equal
    cells, which are six pairs, some two are in about one table of four.
    """
    cells = range(len(ratios))
    ahead: list[set[int]] = [set() for _ in cells]
    tied, unknown = [False] * len(ratios), [False] * len(ratios)
    for i in cells:
        for j in cells:
            found = ratios[i][j]
            if i == j:
                continue
            if found is None or not found.known:
                unknown[i] = True
            elif found.includes(1):
                tied[i] = True
            elif found.estimate < 1:
                ahead[i].add(j)
    for between in cells:
        for i in cells:
            if between in ahead[i]:
                ahead[i] |= ahead[between]
    places = _in_order([len(ahead[i] - {i}) + 1 for i in cells], ratios)
    return ["" if unknown[i] else f"{places[i]}{'=' if tied[i] else ''}" for i in cells]


def _in_order(places: list[int], ratios: Sequence[Sequence[Interval | None]]) -> list[int]:
    """Places of which none is before that of a cell that measured faster, or level if surely so."""
    for _ in places:  # each turn carries a place one cell further down
        for i, row in enumerate(ratios):
            for j, found in enumerate(row):
                if i != j and found is not None and found.known and found.estimate < 1:
                    places[i] = max(places[i], places[j] + (not found.includes(1)))
    return places
