"""How far the end of what was timed deviates from the task: pure functions over a late trace.

Each further step is judged by itself, from the state that the session showed before it, so that
rounding is not amplified from step to step. What an optimizer's state has taken in shows the step's
gradient. With this gradient, the task's formula says what becomes of weights and state; whether it
is the right gradient, the reference says, for the steps that it replays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import WEIGHT, Optimizer
from bench.core.setting import EPSILONS, Precision
from bench.core.task import Task
from bench.proof import distances
from bench.proof.one_check import Check, worst
from bench.worker.late_trace import LATE_STEPS, gradients, point, trained

# The checks in order, with what each compares.
LATE_CHECKS = {
    "loss": "the loss of each replayed step, against the reference's from the same state",
    "gradients": "the median entry of each weight's gradient, against the reference's",
    "closest gradient": "the same of the weight whose gradient is closest to the reference's",
    "state": f"the optimizer's state after each of {LATE_STEPS} steps, by the task's formula",
    "update": f"every weight after each of {LATE_STEPS} steps, by the task's formula; one that "
    "no update moves must be as it was loaded",
    "outputs": "with dropout: outputs in evaluation mode, against those of the weights shown",
}


@dataclass(frozen=True, kw_only=True)
class LateTolerance:
    """The largest deviations that rounding explains, relative as in `bench.proof.checks`."""

    loss: float
    gradients: float
    closest: float
    state: float
    update: float
    outputs: float


# About 20 times what five honest frameworks show at most, at the end of quick runs of eleven tasks.
# Loss: 1.4e-6. One below 1 is held to as much in absolute terms, because it is a difference of
# logits that are rounded by as much.
# Gradients: 7e-3, where other steps show 1e-5. Rounding carries a value across the edge of a
# rectifier, or a maximum to another entry, and this changes every gradient below by any amount: on
# cifar-cnn by 1e-3, and through batch normalization by 7e-3.
# Closest gradient: at most 8e-6. Above the rectifiers nothing is touched by it, but by fewer bits,
# another batch or another loss. A loss below 1 is a difference of probabilities from 1, and its
# gradient is held to as much in absolute terms.
# State, update: 1.3e-5 and 6e-6, because float32 rounds 0.999. Mixed precision keeps weights and
# updates in float32, so both are held to the same there. Its losses are off by 9e-4 in bf16; a
# bias's gradient, a sum over a map of numbers that nearly cancel, by 0.14 on cifar-cnn in
# TensorFlow, so that gradients only show what is grossly wrong. Losses and outputs in tf32 and fp16
# are held to about what the first proof allows.
_MIXED = {"gradients": 1.0, "closest": 0.1, "state": 2e-4, "update": 2e-4}
LATE_TOLERANCES: Mapping[Precision, LateTolerance] = {
    "float64": LateTolerance(
        loss=1e-9, gradients=1e-9, closest=1e-9, state=1e-9, update=1e-9, outputs=1e-9
    ),
    "float32": LateTolerance(
        loss=3e-5, gradients=0.2, closest=2e-4, state=2e-4, update=2e-4, outputs=1e-5
    ),
    "tf32": LateTolerance(loss=5e-3, outputs=5e-3, **_MIXED),
    "bf16": LateTolerance(loss=2e-2, outputs=4e-2, **_MIXED),
    "fp16": LateTolerance(loss=5e-3, outputs=5e-3, **_MIXED),
}
# A median needs entries: the gradient of a single bias can add up to nearly 0, and to rounding.
FEWEST_ENTRIES = 10


def compare(
    task: Task, trace: Mapping[str, Array], replayed: Mapping[str, Array], precision: Precision
) -> tuple[Check, ...]:
    """Every check of a late trace, in the order of `LATE_CHECKS`; `replayed` is the reference's."""
    comparison = _LateComparison(
        task=task,
        trace=trace,
        replayed=replayed,
        allowed=LATE_TOLERANCES[precision],
        epsilon=EPSILONS[precision],
        scaled=precision == "fp16",
    )
    return (*comparison.replay(), *comparison.formula(), *comparison.outputs())


@dataclass(frozen=True, kw_only=True)
class _LateComparison:
    """A late trace beside the reference's replay.

    `epsilon` is the machine epsilon of the timed precision. With a `scaled` loss, the framework
    leaves out a step whose gradients overflow, and lowers the scale: once in thousands of steps.
    """

    task: Task
    trace: Mapping[str, Array]
    replayed: Mapping[str, Array]
    allowed: LateTolerance
    epsilon: float
    scaled: bool

    def replay(self) -> Iterator[Check]:
        """Losses and gradients of the steps that the reference has replayed."""
        losses: dict[str, float] = {}
        every: dict[str, float] = {}
        closest: dict[str, float] = {}
        for number, expected in enumerate(self.replayed["losses"].tolist()):
            place = f"step {number + 1}"
            off = abs(float(self.trace["losses"][number]) - expected)
            losses[place] = off / max(1.0, expected)
            if number in self._left_out:
                continue
            before, after = point(self.trace, number), point(self.trace, number + 1)
            deviations = {
                name: _typical(gradient, self.replayed[f"grads/{number}/{name}"])
                for name, gradient in gradients(self.task, before, after).items()
                if gradient.size >= FEWEST_ENTRIES
            }
            every |= {f"{place}, {name}": deviation for name, deviation in deviations.items()}
            if deviations:
                closest[place] = min(1.0, expected) * float(np.min(list(deviations.values())))
        if losses:
            yield self._worst("loss", losses, self.allowed.loss)
        if every:
            yield self._worst("gradients", every, self.allowed.gradients)
            yield self._worst("closest gradient", closest, self.allowed.closest)

    def formula(self) -> Iterator[Check]:
        """Weights and state after every step, from those before it."""
        states: dict[str, float] = {}
        weights: dict[str, float] = {}
        for number in range(len(self.trace["losses"])):
            if number in self._left_out:
                continue
            place = f"step {number + 1}"
            if number in self._idle:
                weights[place] = math.inf
                continue
            weights |= self._kept(number, place)
            for update in self.task.updates:
                for parameter in filter(update.moves, self.task.parameters):
                    moved = self._moved(parameter.name, update.optimizer.of(parameter), number)
                    weights[f"{place}, {parameter.name}"] = moved.pop(WEIGHT)
                    states |= {
                        f"{place}, {state}/{parameter.name}": deviation
                        for state, deviation in moved.items()
                    }
        if states:
            yield self._worst("state", states, self.allowed.state)
        yield self._worst("update", weights, self.allowed.update)

    def outputs(self) -> Iterator[Check]:
        """Outputs in evaluation mode, where the trace has them."""
        prefix = "outputs/"
        deviations = {
            key.removeprefix(prefix): _largest(self.trace[key], self.replayed[key])
            for key in self.trace
            if key.startswith(prefix)
        }
        if deviations:
            yield self._worst("outputs", deviations, self.allowed.outputs)

    def _moved(self, name: str, optimizer: Optimizer, number: int) -> dict[str, float]:
        """How far a step left a weight, and its state, from what the formula makes of them."""
        before, after = (trained(self._samples(at), name, optimizer) for at in (number, number + 1))
        step = int(self.trace["steps"]) + number + 1
        expected = optimizer.updated(before, optimizer.gradient(before, after), step)
        stored = np.finfo(self.trace[f"sample/{WEIGHT}/{name}"].dtype).eps
        deviations = {
            state: _largest(after[state], expected[state], stored * np.abs(expected[state]))
            for state in optimizer.state
        }
        # A weight is rounded when it is stored, which can be as much as a small update.
        off = _beyond(after[WEIGHT] - expected[WEIGHT], stored * np.abs(expected[WEIGHT]))
        length = np.linalg.norm(expected[WEIGHT] - before[WEIGHT])
        deviations[WEIGHT] = float(np.linalg.norm(off) / length) if off.any() else 0.0
        return deviations

    def _kept(self, number: int, place: str) -> dict[str, float]:
        """By place: 0 for each weight that no update moves, or infinite if it is not as loaded."""
        after = self._samples(number + 1)
        loaded = {each.name: self.trace[f"loaded/{each.name}"] for each in self.task.frozen}
        return {
            f"{place}, {name}": distances.update(after[f"{WEIGHT}/{name}"], weight, weight)
            for name, weight in loaded.items()
        }

    def _samples(self, number: int) -> dict[str, Array]:
        """The sampled entries after so many steps, by STATE/NAME."""
        prefix = "sample/"
        return {
            key.removeprefix(prefix): self.trace[key][number]
            for key in self.trace
            if key.startswith(prefix)
        }

    @cached_property
    def _idle(self) -> list[int]:
        """The steps in which no sampled weight has moved."""
        weights = [self.trace[key] for key in self.trace if key.startswith(f"sample/{WEIGHT}/")]
        return [
            number
            for number in range(len(self.trace["losses"]))
            if all(np.array_equal(weight[number], weight[number + 1]) for weight in weights)
        ]

    @cached_property
    def _left_out(self) -> list[int]:
        """The step that scaling the loss may leave out."""
        return self._idle[:1] if self.scaled else []

    def _worst(self, name: str, deviations: Mapping[str, float], tolerance: float) -> Check:
        return worst(name, deviations, tolerance, self.epsilon)


def _beyond(difference: Array, allowed: Any) -> Array:
    """The size of a difference beyond what is allowed, entry by entry. NaN is kept."""
    beyond: Array = np.maximum(np.abs(difference) - allowed, 0)
    return beyond


def _typical(actual: Array, expected: Array) -> float:
    """The median over all entries of their relative difference; those that are 0 are left out."""
    if actual.shape != expected.shape:
        return math.inf
    known = expected != 0
    if not known.any():
        return 0.0
    return float(np.median(np.abs(actual[known] / expected[known] - 1)))


def _largest(actual: Array, expected: Array, rounding: Any = 0.0) -> float:
    """The largest difference beyond its `rounding`, over the largest entry."""
    if actual.shape != expected.shape:
        return math.inf
    off = _beyond(actual - expected, rounding)
    return float(off.max() / np.abs(expected).max()) if off.any() else 0.0
