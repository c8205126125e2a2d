"""The criteria of advice: the figure of each, and how the figure becomes a score.

Scores run from 0 to 1, and higher is better. `bench.advice.assessment` computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["ratio", "seconds", "bytes", "lines", "share", "months", "rank", "kinds"]


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A criterion by name: its figure and its scoring in words, and the figure's unit.

    The name is also that of its weight. Figures up to `alike`, in the criterion's unit, score as
    the best would: nobody notices how they differ. For a ratio it is the share of the best that
    counts as the best. `comfort` marks what nobody would choose an archived project for: there it
    scores no more than the worst of the others.
    """

    name: str
    figure: str
    scored: str
    unit: Unit
    alike: float = 0.0
    comfort: bool = False


# Scores by the most months since the last release; an archived project scores 0.
UPKEEP_STEPS = ((6, 1.0), (12, 0.75), (24, 0.5))
UPKEEP_LEAST = 0.25

_RATIO = "ratio to the best"

# In the order in which they are shown.
CRITERIA: Mapping[str, Criterion] = {
    criterion.name: criterion
    for criterion in (
        Criterion(
            name="speed",
            figure="samples/s relative to the fastest framework, geometric mean over tasks, in the "
            "recommended mode",
            scored=f"{_RATIO}; from 95 % of it on alike, as nobody notices less",
            unit="ratio",
            alike=0.95,
        ),
        Criterion(
            name="time-to-target",
            figure="training seconds to the target of the task's metric, on tasks where every "
            "framework reaches it, and where it is not the pace again",
            scored=f"{_RATIO}; up to 1 s alike, as nobody waits",
            unit="seconds",
            alike=1.0,
        ),
        Criterion(
            name="startup",
            figure="seconds to import the framework and build the network, including lazy imports",
            scored=f"{_RATIO}; up to 1 s alike, as nobody waits",
            unit="seconds",
            alike=1.0,
            comfort=True,
        ),
        Criterion(
            name="first-step",
            figure="seconds of the first training step, which includes tracing and compiling",
            scored=f"{_RATIO}; up to 1 s alike, as nobody waits",
            unit="seconds",
            alike=1.0,
            comfort=True,
        ),
        Criterion(
            name="memory",
            figure="peak memory of the process; of the device's memory on a GPU",
            scored=f"{_RATIO}; up to 1 GB alike, as every machine that trains has that",
            unit="bytes",
            alike=1e9,
            comfort=True,
        ),
        Criterion(
            name="install-size",
            figure="size of the installed packages on the disk",
            scored=f"{_RATIO}; up to 750 MB alike: a minute's download at 100 Mbit/s",
            unit="bytes",
            alike=750e6,
            comfort=True,
        ),
        Criterion(
            name="code",
            figure="lines of code of a task's network, mean over tasks",
            scored=f"{_RATIO}; up to 5 lines alike, which are read at a glance",
            unit="lines",
            alike=5.0,
            comfort=True,
        ),
        Criterion(
            name="stability",
            figure="share of the measured cells that finished with status ok",
            scored="the share itself",
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
            figure="rank among the most downloaded packages on PyPI",
            scored="the best rank divided by this rank; up to 1,000 alike, as every question was "
            "asked",
            unit="rank",
            alike=1000,
        ),
        Criterion(
            name="distributed",
            figure="number of documented kinds of parallel training",
            scored="share of data, sharded, tensor, pipeline",
            unit="kinds",
        ),
        Criterion(
            name="deployment",
            figure="number of documented deployment targets besides servers",
            scored="share of mobile, browser, microcontroller",
            unit="kinds",
        ),
    )
}
