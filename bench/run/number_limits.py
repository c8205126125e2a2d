"""How large and how small the numbers of a request may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.core.errors import UsageError

_DAY = 24 * 3600
# Longer numbers are not repeated in a message.
_LONGEST = 30


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The least and the most that a number may be; if `positive`, it is more than the least."""

    least: float = 0
    most: float
    positive: bool = False
    unit: str = ""

    def check(self, option: str, value: int | float) -> None:
        """Raises UsageError for a value outside of the limits, or that is not a number."""
        if value > self.most:
            words = f"at most {self.most:,}"
        elif self.positive and not value > self.least:
            words = f"more than {self.least:,}"
        elif not value >= self.least:  # as NaN is not
            words = f"{self.least:,} or more"
        else:
            return
        unit = f" {self.unit}" if self.unit else ""
        shown = f"{value:g}" if isinstance(value, float) else f"{value:,}"
        told = shown if len(shown) < _LONGEST else f"a number of {len(shown)} characters"
        raise UsageError(f"{option} must be {words}{unit}, not {told}")


# By the names of a request's fields. What is beyond these is a slip of the keyboard.
LIMITS: Mapping[str, Limits] = {
    "threads": Limits(least=1, most=1024),
    "repeats": Limits(least=1, most=10_000),
    "epochs": Limits(least=1, most=1_000_000),
    "train_examples": Limits(least=1, most=1_000_000_000),
    "test_examples": Limits(least=1, most=1_000_000_000),
    "length": Limits(least=1, most=1_000_000),
    # Every block adds one, and some frameworks take seeds of 32 bits with a sign.
    "seed": Limits(most=2_000_000_000),
    "spare": Limits(most=10_000),
    "warmup": Limits(most=_DAY, positive=True, unit="seconds"),
    "window": Limits(most=3600, positive=True, unit="seconds"),
    "seconds": Limits(most=_DAY, unit="seconds"),
    "timeout": Limits(most=7 * _DAY, positive=True, unit="seconds"),
    "time_limit": Limits(most=30 * _DAY, positive=True, unit="seconds"),
    # Python alone needs as much as the least.
    "memory_limit": Limits(least=64 << 20, most=10**18, unit="bytes"),
    "budget_seconds": Limits(most=30 * _DAY, positive=True, unit="seconds"),
}


def check_numbers(values: Mapping[str, object]) -> None:
    """Raises UsageError for the first of these values that is outside of its limits."""
    for name, limits in LIMITS.items():
        value = values.get(name)
        if isinstance(value, (int, float)):
            option = name.removesuffix("_seconds").replace("_", "-")
            limits.check(f"--{option}", value)
