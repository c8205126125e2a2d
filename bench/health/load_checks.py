"""Checks of what others take of the processor, by the limits at which a window is contended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis import contention
from bench.health.check import Examined, HealthCheck, Verdict, graded
from bench.health.load_sample import LoadSample

# Others within the limit disturb no window; half a core more makes most windows contended.
_BAD_BEYOND = 0.5


@dataclass(frozen=True, kw_only=True)
class OtherLoad:
    """The cores that others use, those that they may use undisturbed, and the programs at fault."""

    cores: float
    allowed: float
    makers: Mapping[str, float]

    def verdict(self) -> Verdict:
        """By how far the others exceed the cores that they may use."""
        return graded(self.cores, mind=self.allowed, bad=self.allowed + _BAD_BEYOND)

    def __str__(self) -> str:
        names = ", ".join(f"{name} {cores:.2f}" for name, cores in self.makers.items())
        return f"{self.cores:.2f} cores" + (f": {names}" if names else "")


@dataclass(frozen=True, kw_only=True)
class LoadAverage:
    """The processes that ran or waited in the last 1, 5 and 15 minutes, and the usable cores."""

    averages: tuple[float, float, float]
    cores: int

    def verdict(self) -> Verdict:
        """A load above half the cores is likely to come back; one of now is `other load`'s."""
        return "mind" if max(self.averages[:2]) > self.cores / 2 + contention.OTHERS else "good"

    def __str__(self) -> str:
        return ", ".join(f"{average:.2f}" for average in self.averages) + " in 1, 5 and 15 minutes"


def other_load(sample: LoadSample, *, cores: int, threads: int) -> OtherLoad | None:
    """What others use of so many cores beside a run of so many threads; None if not told."""
    if sample.others is None:
        return None
    allowed = max(0, cores - threads) + contention.OTHERS
    return OtherLoad(cores=sample.others, allowed=allowed, makers=sample.makers)


def _other_load(machine: Examined) -> OtherLoad | None:
    return other_load(machine.sample, cores=machine.cores.physical, threads=machine.threads)


def _stolen(machine: Examined) -> float | None:
    stolen = machine.sample.stolen
    return None if stolen is None else 100 * stolen / machine.cores.logical


OTHER_LOAD = HealthCheck(
    name="other load",
    find=_other_load,
    judge=OtherLoad.verdict,
    unit="cores",
    remedy="end it, or wait until it has ended; `top` shows it",
)
STOLEN_TIME = HealthCheck(
    name="stolen time",
    find=_stolen,
    judge=lambda share: graded(share, mind=1, bad=100 * contention.STOLEN),
    unit="%",
    show=lambda share: f"{share:.1f} % of the cores' time",
    remedy="the host runs others on these cores: use another machine or a quieter time of day, and "
    "more blocks: `framebench run --until 2% --budget 30m`",
)
LOAD_AVERAGE = HealthCheck(
    name="load average",
    find=lambda machine: LoadAverage(averages=os.getloadavg(), cores=machine.cores.usable),
    judge=LoadAverage.verdict,
    unit="processes",
    remedy="see what runs now and then: `top`",
)
CHECKS = (OTHER_LOAD, STOLEN_TIME, LOAD_AVERAGE)
