"""How far arrays of a trace are from those of the reference, as one number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from bench.core.arrays import Array

# The largest correlation that is told from 1, at which Fisher's transform is infinite.
MOST = 1 - 1e-15


def largest(actual: Array, expected: Array) -> float:
    """The largest difference over the largest entry.

    Infinite if shapes differ, or if only the expected entries are all 0.
    """
    if actual.shape != expected.shape:
        return math.inf
    if not expected.any():
        return math.inf if actual.any() else 0.0
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def update(actual: Array, expected: Array, initial: Array) -> float:
    """The distance from the expected weights over the update's; infinite if shapes differ.

    Or if weights have moved that are not to be.
    """
    if actual.shape != expected.shape:
        return math.inf
    if np.array_equal(expected, initial):
        return 0.0 if np.array_equal(actual, expected) else math.inf
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected - initial))


def joined(arrays: Iterable[Array]) -> Array:
    """Arrays as one vector."""
    return np.concatenate([array.reshape(-1) for array in arrays])


def standard_errors(dropped: Array, rate: float, epsilon: float) -> float:
    """How far draws deviate from independent ones at `rate`, in standard errors.

    A rate may be rounded to the precision: Keras draws in bfloat16, where 0.2 is 26 of 128.

    `dropped` is true or false, (draws, examples, channels, places). Two things are tested: the
    share of dropped values; and, along each axis, the products of (value - rate) over all pairs of
    values that differ only in their place on that axis. These products add up to about 0 if values
    are independent, and to far more if whole channels are dropped or a draw is used again.
    """
    rate = float(np.clip(dropped.mean(), rate - epsilon, rate + epsilon))
    variance = rate * (1 - rate)
    off = dropped - rate
    errors = [abs(off.mean()) / math.sqrt(variance / off.size)]
    for axis, length in enumerate(off.shape):
        if length > 1:
            products = (off.sum(axis) ** 2).sum() - (off**2).sum()  # of each two, both ways round
            errors.append(abs(products) / (variance * math.sqrt(2 * (length - 1) * off.size)))
    return float(max(errors))


def of_losses(own: Array, other: Array, names: Sequence[str]) -> dict[str, float]:
    """How far two samples of updates' losses, (N, updates), are apart, in standard errors.

    By what is compared: mean and variance of each update's, and the correlation of each two. The
    `names` are the updates'.
    """
    errors = {
        " ".join(filter(None, (name, what))): error
        for number, name in enumerate(names)
        for what, error in sample_errors(own[:, number], other[:, number]).items()
    }
    for pair in combinations(range(len(names)), 2):
        error = correlation_error(own[:, pair], other[:, pair])
        errors[" with ".join(names[number] for number in pair)] = error
    return errors


def most_repeats(losses: Array) -> int:
    """How many of the losses of an update, (N, updates), are repeats, for the one with the most."""
    return max(len(own) - len(np.unique(own)) for own in losses.T)


def sample_errors(sample: Array, other: Array) -> dict[str, float]:
    """How far two samples' means and variances are apart, in standard errors; infinite for NaN.

    Variances by their logarithms, as of normal numbers: log(s^2) has an error of sqrt(2 / (n - 1)).
    """
    if not np.isfinite(sample).all():
        return {"mean": math.inf}
    variances = [values.var(ddof=1) for values in (sample, other)]
    error = math.sqrt(variances[0] / len(sample) + variances[1] / len(other))
    ratio = abs(math.log(variances[0] / variances[1])) if variances[0] else math.inf
    return {
        "mean": float(abs(sample.mean() - other.mean()) / error),
        "variance": ratio / math.sqrt(2 / (len(sample) - 1) + 2 / (len(other) - 1)),
    }


def correlation_error(sample: Array, other: Array) -> float:
    """How far the correlations of two samples of pairs, (N, 2), are apart, in standard errors.

    By Fisher's transform: atanh(r) has an error of 1 / sqrt(n - 3), as of normal numbers. Infinite
    for NaN.
    """
    with np.errstate(invalid="ignore"):  # of losses that are all the same
        correlations = [np.corrcoef(values.T)[0, 1] for values in (sample, other)]
    if not np.isfinite(correlations).all():
        return math.inf
    one, another = (math.atanh(float(np.clip(r, -MOST, MOST))) for r in correlations)
    return abs(one - another) / math.sqrt(1 / (len(sample) - 3) + 1 / (len(other) - 3))
