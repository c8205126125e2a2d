"""Personas: how much each criterion matters to a kind of reader, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.advice.criteria import CRITERIA
from bench.core.choices import check_choice
from bench.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Weights by criterion; a criterion without one weighs nothing. Only ratios of weights count.

    `why` explains the weights. `unseen` names what matters to this reader but was not measured,
    if anything.
    """

    name: str
    weights: Mapping[str, float]
    why: str
    unseen: str = ""


# Weights run from 0, which ignores a criterion, to this.
HIGHEST = 5.0
PERSONAS: Mapping[str, Persona] = {
    persona.name: persona
    for persona in (
        Persona(
            name="balanced",
            weights=dict.fromkeys(CRITERIA, 1.0),
            why="every criterion weighs the same, as nothing is known about the reader",
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
            why="little code to write, many people to ask, and tutorials that still run; every "
            "attempt begins with a start, on a laptop with limited disk and memory",
        ),
        Persona(
            name="researcher",
            weights={
                "ecosystem": 5,
                "upkeep": 4,
                "speed": 3,
                "code": 3,
                "distributed": 3,
                "time-to-target": 2,
                "first-step": 2,
                "memory": 2,
                "stability": 2,
                "startup": 1,
            },
            why="other people's code and models to build on for years; many runs, each of "
            "them different, some of them on several devices",
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
                "time-to-target": 2,
                "memory": 2,
                "install-size": 1,
                "startup": 1,
                "first-step": 1,
                "code": 1,
            },
            why="security fixes and no breakage; machines are paid by the hour, and the model has "
            "to reach its users",
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
            why="the model has to run on phones and boards in the first place; memory and disk are "
            "small there, and starting up is part of the work",
            unseen="no phone or board was measured: speed, memory and start-up times are those of "
            "training on the machine of this run",
        ),
    )
}
DEFAULT = "balanced"


def load(name: str) -> Persona:
    """The persona of that name. Raises UsageError if there is none."""
    return PERSONAS[check_choice("persona", name, PERSONAS)]


def weights(persona: Persona, overrides: Iterable[str] = ()) -> dict[str, float]:
    """The weight of every criterion; `overrides` are texts such as "speed=3".

    Raises UsageError for an override with an unknown criterion or an invalid weight, and if every
    weight is 0.
    """
    by_criterion = {name: float(persona.weights.get(name, 0)) for name in CRITERIA}
    for override in overrides:
        name, _, text = override.partition("=")
        check_choice("criterion", name, by_criterion)
        try:
            weight = float(text)
        except ValueError:
            weight = math.nan
        if not 0 <= weight <= HIGHEST:
            raise UsageError(
                f"--weight {override}: a weight is a number from 0 to {HIGHEST:g}, as in {name}=3"
            )
        by_criterion[name] = weight
    if not any(by_criterion.values()):
        raise UsageError(
            "--weight: every weight is 0; give at least one criterion a weight above 0"
        )
    return by_criterion
