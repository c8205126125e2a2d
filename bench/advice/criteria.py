"""What frameworks are judged by: each criterion's figure, and how that becomes a score, in words.

A score is from 0 to 1 and higher is better. `bench.advice.assessment` works them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["ratio", "seconds", "bytes", "lines", "share", "months", "rank", "kinds"]


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """What a figure is, and how it is scored, in words; its name is that of its weight."""

    name: str
    figure: str
    scored: str
    unit: Unit


# Months since the last release, and the score up to then; an archived project scores 0.
UPKEEP_STEPS = ((6, 1.0), (12, 0.75), (24, 0.5))
UPKEEP_LEAST = 0.25

_RATIO = "ratio to the best"

# In the order in which they are shown.
CRITERIA: Mapping[str, Criterion] = {
    one.name: one
    for one in (
        Criterion(
            name="speed",
            figure="samples/s over the fastest's, geometric mean over tasks, recommended mode",
            scored=_RATIO,
            unit="ratio",
        ),
        Criterion(
            name="time-to-accuracy",
            figure="training seconds until a task's target accuracy, where all reach it",
            scored=_RATIO,
            unit="seconds",
        ),
        Criterion(
            name="startup",
            figure="importing the framework and building the network, with what is imported only "
            "then",
            scored=_RATIO,
            unit="seconds",
        ),
        Criterion(
            name="first-step",
            figure="the first training step, in which a framework traces and compiles: the compile "
            "latency",
            scored=_RATIO,
            unit="seconds",
        ),
        Criterion(
            name="memory",
            figure="most memory that a process held, on the device where there is one",
            scored=_RATIO,
            unit="bytes",
        ),
        Criterion(
            name="install-size",
            figure="what the packages take on the disk",
            scored=_RATIO,
            unit="bytes",
        ),
        Criterion(
            name="code",
            figure="lines of code of a task's network, mean",
            scored=_RATIO,
            unit="lines",
        ),
        Criterion(
            name="stability",
            figure="cells that are ok, of all that were tried",
            scored="that share",
            unit="share",
        ),
        Criterion(
            name="upkeep",
            figure="months since the last release",
            scored="1 up to 6 months, 0.75 to 12, 0.5 to 24, then 0.25; 0 if archived",
            unit="months",
        ),
        Criterion(
            name="ecosystem",
            figure="place among the packages most downloaded from PyPI",
            scored="the best place over this one",
            unit="rank",
        ),
        Criterion(
            name="distributed",
            figure="kinds of parallel training documented",
            scored="share of data, sharded, tensor, pipeline",
            unit="kinds",
        ),
        Criterion(
            name="deployment",
            figure="targets documented, besides servers",
            scored="share of mobile, browser, microcontroller",
            unit="kinds",
        ),
    )
}
