"""Whom a framework is to suit: how much each criterion weighs for them, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.advice.criteria import CRITERIA
from bench.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Weights by criterion, of which those that are not named weigh nothing; only ratios count.

    `unseen` is what would matter to them and is not measured; empty where there is nothing of note.
    """

    name: str
    weights: Mapping[str, float]
    why: str
    unseen: str = ""


# A weight is from 0, does not matter, to this, decides.
HIGHEST = 5.0
PERSONAS: Mapping[str, Persona] = {
    one.name: one
    for one in (
        Persona(
            name="balanced",
            weights=dict.fromkeys(CRITERIA, 1.0),
            why="every criterion weighs the same: nothing is known of you",
        ),
        Persona(
            name="beginner",
            weights={
                "code": 4,
                "ecosystem": 4,
                "upkeep": 4,
                "startup": 2,
                "install-size": 2,
                "first-step": 2,
                "stability": 2,
                "speed": 1,
                "memory": 1,
            },
            why="little code, many to ask, lessons that still run; every try begins with a "
            "start; a laptop's disk and memory",
        ),
        Persona(
            name="researcher",
            weights={
                "ecosystem": 5,
                "upkeep": 4,
                "speed": 3,
                "code": 3,
                "distributed": 3,
                "time-to-accuracy": 2,
                "first-step": 2,
                "memory": 2,
                "stability": 2,
                "startup": 1,
            },
            why="others' code and models to build on, for years; many runs, each changed, some on "
            "several devices",
        ),
        Persona(
            name="industry",
            weights={
                "upkeep": 5,
                "stability": 5,
                "distributed": 4,
                "speed": 3,
                "ecosystem": 3,
                "deployment": 3,
                "time-to-accuracy": 2,
                "memory": 2,
                "install-size": 1,
                "startup": 1,
                "first-step": 1,
                "code": 1,
            },
            why="security fixes and nothing that breaks; machines are paid by the hour, and the "
            "model has to reach its users",
        ),
        Persona(
            name="edge",
            weights={
                "deployment": 5,
                "memory": 4,
                "upkeep": 4,
                "install-size": 3,
                "stability": 3,
                "speed": 2,
                "startup": 2,
                "first-step": 2,
                "ecosystem": 2,
            },
            why="it has to run on phones and boards at all; memory and disk are small there, and "
            "a start is part of the work",
            unseen="no phone or board was measured: speed, memory and starts are those of training "
            "on the machine of this run",
        ),
    )
}
DEFAULT = "balanced"


def load(name: str) -> Persona:
    """The persona of that name. Raises UsageError if there is none."""
    if name not in PERSONAS:
        raise UsageError(f"no persona is called {name!r}; there are: {', '.join(PERSONAS)}")
    return PERSONAS[name]


def weights(persona: Persona, overrides: Iterable[str] = ()) -> dict[str, float]:
    """Weights by criterion, all of them; `overrides` are such as "speed=3".

    Raises UsageError for one that names no criterion or no weight, and where nothing weighs.
    """
    found = {name: float(persona.weights.get(name, 0)) for name in CRITERIA}
    for one in overrides:
        name, _, text = one.partition("=")
        if name not in found:
            raise UsageError(f"no criterion is called {name!r}; there are: {', '.join(found)}")
        try:
            weight = float(text)
        except ValueError:
            weight = math.nan
        if not 0 <= weight <= HIGHEST:
            raise UsageError(
                f"--weight {one}: a weight is a number from 0 to {HIGHEST:g}, as in {name}=3"
            )
        found[name] = weight
    if not any(found.values()):
        raise UsageError("--weight: nothing weighs anything; give one criterion more than 0")
    return found
