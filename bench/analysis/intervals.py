"""Estimates with 95 % intervals, and the tests that belong to them.

Throughputs are compared as ratios, and noise is multiplicative, so everything is computed on
logarithms: an estimate is a geometric mean, and the ratio of two geometric means is the geometric
mean of the ratios.

Intervals are Student's (1908): mean ± t(0.975, n - 1) s / √n, with s over n processes or n pairs.
A bootstrap would not do. Resampled means lie between the lowest and the highest value, and that
range holds the middle of a symmetric distribution with probability 1 - 2^(1 - n), which is 75 % for
3 values and 94 % for 5; and a studentized bootstrap of 3 values has no upper end at all. Student's
interval has its nominal coverage from 2 values on: `python -m tests.benchmarks.verdicts` shows it.

Two runs share no blocks, so their values cannot be paired. The interval of their ratio is Welch's
(1947), which does not assume equal variances, with Satterthwaite's degrees of freedom (1946).

Each interval is for one ratio alone. What several ratios say together is judged in
`bench.analysis.multiple_comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the ends of its interval, in the unit of the values; all are above 0.

    The uncertainty of a single value is unknown, so its interval runs from 0 to infinity.
    """

    estimate: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there were enough values for a finite interval."""
        return math.isfinite(self.high)

    @property
    def half_width(self) -> float:
        """Distance of the further end, relative to the estimate: 0.02 means "within 2 %"."""
        return max(self.high - self.estimate, self.estimate - self.low) / self.estimate

    def includes(self, value: float) -> bool:
        return self.low <= value <= self.high


def _logs(values: Collection[float]) -> list[float]:
    with suppress(ValueError):  # for the logarithm of what is not positive
        logs = [*map(math.log, values)]
        if logs and math.isfinite(sum(logs)):
            return logs
    raise ValueError(f"a geometric mean needs positive, finite values, not {[*values]}")


def _spread(logs: Sequence[float]) -> tuple[float, float]:
    """The mean and the variance; for so few values, numpy would take eight times as long."""
    mean = math.fsum(logs) / len(logs)
    off = [value - mean for value in logs]
    return mean, math.fsum(map(mul, off, off)) / (len(logs) - 1)


def geometric_mean(values: Collection[float]) -> Interval:
    """The geometric mean of independent values, with its interval.

    Raises ValueError if there is no value, or one that is not positive and finite.
    """
    logs = _logs(values)
    if len(logs) == 1:
        return Interval(estimate=math.exp(logs[0]), low=0.0, high=math.inf)
    from scipy.special import stdtrit  # only here, as most commands need no estimate

    mean, variance = _spread(logs)
    quantile = float(stdtrit(len(logs) - 1, (1 + CONFIDENCE) / 2))
    margin = quantile * math.sqrt(variance / len(logs))
    return Interval(
        estimate=math.exp(mean), low=math.exp(mean - margin), high=math.exp(mean + margin)
    )


def ratio(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """How many times as fast as `second` `first` is; both are throughputs by block.

    Values are paired within blocks, so whatever slows a whole block cancels. Blocks that only one
    of them has do not count; None if they share no block.
    """
    ratios = _in_shared_blocks(first, second)
    return geometric_mean(ratios) if ratios else None


def _in_shared_blocks(first: Mapping[int, float], second: Mapping[int, float]) -> list[float]:
    """The ratios of `first` to `second` in the blocks that both have, by block."""
    return [first[block] / second[block] for block in sorted(first.keys() & second.keys())]


class PairTest(NamedTuple):
    """A test of two cells: how many times as fast the first measured, and the p-value.

    The null hypothesis is a true ratio of 1, against any other.
    """

    ratio: float
    p_value: float


def paired_test(first: Mapping[int, float], second: Mapping[int, float]) -> PairTest | None:
    """Student's paired test of two throughputs by block, on logarithms.

    Its p-value is below 5 % exactly where the interval of `ratio` excludes 1. None if they share
    fewer than two blocks.
    """
    ratios = _in_shared_blocks(first, second)
    if len(ratios) < 2:
        return None
    from scipy.special import stdtr

    mean, variance = _spread(_logs(ratios))
    if not variance:
        return PairTest(math.exp(mean), 0.0 if mean else 1.0)
    distance = abs(mean) / math.sqrt(variance / len(ratios))
    return PairTest(math.exp(mean), 2 * float(stdtr(len(ratios) - 1, -distance)))


@dataclass(frozen=True, kw_only=True)
class _Welch:
    """The logarithm of a ratio of geometric means: estimate, standard error, degrees of freedom."""

    mean: float
    error: float
    freedom: float

    @staticmethod
    def of(first: Collection[float], second: Collection[float], *, more: int = 0) -> _Welch | None:
        """None if either has a single value, whose variance is unknown.

        With `more`, as if each had so many values more that vary alike.
        """
        logs = _logs(first), _logs(second)
        if min(map(len, logs)) < 2:
            return None
        (first_mean, first_variance), (second_mean, second_variance) = map(_spread, logs)
        counts = [len(side) + more for side in logs]
        shares = first_variance / counts[0], second_variance / counts[1]
        total = sum(shares)
        freedom = 1.0  # any number will do if nothing varies
        if total:
            parts = zip(shares, counts, strict=True)
            freedom = 1 / sum((share / total) ** 2 / (count - 1) for share, count in parts)
        return _Welch(mean=first_mean - second_mean, error=math.sqrt(total), freedom=freedom)

    @property
    def margin(self) -> float:
        """Half the width of the interval of the logarithm."""
        from scipy.special import stdtrit

        return float(stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * self.error


def unpaired_ratio(first: Collection[float], second: Collection[float]) -> Interval:
    """How many times as fast as `second` `first` is, from throughputs that share no blocks.

    The interval is Welch's, on logarithms. Whatever slowed only one of the two does not cancel, and
    the interval does not show it. Raises ValueError as `geometric_mean` does.
    """
    welch = _Welch.of(first, second)
    if welch is None:
        estimate = geometric_mean(first).estimate / geometric_mean(second).estimate
        return Interval(estimate=estimate, low=0.0, high=math.inf)
    margin = welch.margin
    return Interval(
        estimate=math.exp(welch.mean),
        low=math.exp(welch.mean - margin),
        high=math.exp(welch.mean + margin),
    )


def values_to_exclude(
    first: Collection[float], second: Collection[float], bound: float, *, most: int
) -> int | None:
    """How many more values of each would exclude `bound` from the interval of `unpaired_ratio`.

    It takes the ratio and the spread for what they are now. None if `most` would not do, or if
    either has a single value.
    """
    for more in range(1, most + 1):
        welch = _Welch.of(first, second, more=more)
        if welch and abs(welch.mean - math.log(bound)) > welch.margin:
            return more
    return None


def chance_below(first: Collection[float], second: Collection[float], bound: float) -> float | None:
    """The p-value of Welch's one-sided test that `first` over `second` is below `bound`.

    The null hypothesis is a true ratio of at least `bound`. None if either has a single value.
    """
    welch = _Welch.of(first, second)
    if welch is None:
        return None
    distance = welch.mean - math.log(bound)
    if not welch.error:
        return 0.0 if distance < 0 else 1.0
    from scipy.special import stdtr

    return float(stdtr(welch.freedom, distance / welch.error))
