"""How far a trace is from the reference, and the verdict: pure functions. See `bench.worker.trace`.

Every deviation is relative: to the largest entry of the tensor that it is found in, but for weights
after an update, whose distance is over the length of the update. Units in the last place are that
over the precision's machine epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from bench.core.setting import EPSILONS, Precision
from bench.core.task import ImageInput, Task
from bench.core.weights import Array
from bench.worker.trace import FORMULA_STEPS, HEAVY_STEPS, STEPS, opened


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The largest deviations that rounding explains in one precision.

    `early` is that of the first `EARLY_STEPS` of a curve, `curve` of the others. `formula` is None
    where `update` is tight enough to prove the formula by itself. Of a precision that is coarser
    than what the framework might compute in, `rounding` is the least deviation of logits that shows
    it in use.
    """

    logits: float
    loss: float
    gradients: float
    update: float
    early: float
    curve: float
    evaluated: float
    formula: float | None = None
    rounding: float | None = None


# The first steps of a curve, in which rounding is not amplified yet: held to the tolerance of a
# single loss, but where an update itself is coarse.
EARLY_STEPS = 5

# Products of numbers that are rounded to eight bits (bf16) or eleven (fp16, tf32), where the
# framework's own rules say so; sums and weights are in float32. A gradient or an update may be a
# fifth off: maxima fall on other entries, small gradients change sign. With updates so coarse the
# losses move apart from the second step on: on the CNN in fp16 by 1.9e-3 at the fifth, in PyTorch,
# TensorFlow and JAX alike. What this proves is that the precision is in use and nothing is grossly
# wrong in it; the source is proved in float64.
_MIXED = {
    "early": 5e-3,
    "gradients": 0.5,
    "update": 0.75,
    "evaluated": 0.5,
    "formula": 0.5,
}


TOLERANCES: Mapping[str, Tolerance] = {
    # Rounding is 1e-16 and grows to 1e-12 over the first steps: what is more has another cause.
    "float64": Tolerance(
        logits=1e-9,
        loss=1e-9,
        gradients=1e-9,
        update=1e-9,
        early=1e-9,
        curve=1e-9,
        evaluated=1e-9,
    ),
    # Sums of a few thousand float32 products differ by 1e-6, in whatever order they are added.
    # Gradients: a maximum over near equals may fall on another of them, which moves one term.
    # Update: Adam's first is the sign of each gradient, and the smallest gradients are rounding.
    # Formula: with a large epsilon an update is as smooth as its gradient, and as near.
    # Curve, evaluated: from there on training amplifies rounding, on the CNN and the LSTM by a
    # factor of a thousand and more in any framework; here the float64 proof is the tight one.
    "float32": Tolerance(
        logits=1e-5,
        loss=1e-5,
        gradients=3e-4,
        update=1e-2,
        early=1e-5,
        curve=1e-2,
        evaluated=1e-1,
        formula=3e-3,
    ),
    "tf32": Tolerance(logits=5e-3, loss=1e-3, curve=5e-2, rounding=5e-6, **_MIXED),
    "bf16": Tolerance(logits=4e-2, loss=5e-3, curve=5e-2, rounding=5e-5, **_MIXED),
    "fp16": Tolerance(logits=5e-3, loss=1e-3, curve=5e-2, rounding=5e-6, **_MIXED),
}

# Other tolerances of tasks with batch normalization.
# float64, evaluated: MXNet and Paddle hold the momentum of running statistics in float32, where 0.1
# is off by 2.4e-7. Another momentum, or statistics that are not the steps', is off by a hundredth.
# float32, gradients and update: rounding carries values over the edge of a rectifier (see
# `bench.worker.trace.opened`), and what it does to the losses of the true steps is amplified by
# each of them. So curve and evaluated are those of the steps from open rectifiers, as the formula
# is.
BATCH_NORM: Mapping[str, Mapping[str, float]] = {
    "float64": {"evaluated": 1e-5},
    "float32": {"gradients": 1e-1, "update": 1e-1},
}


# Other tolerances of heavy tasks on images whose rectifiers are not opened (`proof.opened`). They
# are proved with batches of 16, in which one value that rounding carries over the edge of a
# rectifier, or one maximum that falls on another entry, weighs four times as much: on cifar-vgg it
# moves the update of the first layer by 1.9e-3 in PaddlePaddle and by 5.3e-3 in TensorFlow with
# XLA, where it moves none in the others. The same optimizer is held tight on cifar-lenet.
SMALL_BATCH: Mapping[str, Mapping[str, float]] = {"float32": {"formula": 1e-2}}


def special(task: Task, precision: Precision) -> Mapping[str, float]:
    """The tolerances of `task` that are not those of its precision, by name."""
    if task.batch_norm:
        return BATCH_NORM.get(precision, {})
    small = task.heavy and isinstance(task.input, ImageInput)
    return SMALL_BATCH.get(precision, {}) if small else {}


def tolerance(task: Task, precision: Precision) -> Tolerance:
    """What rounding explains in `task`."""
    return replace(TOLERANCES[precision], **special(task, precision))


# By chance alone, what dropout draws is off by more than this many standard errors once in two
# million times.
STANDARD_ERRORS = 5.0
# How far the scale of what is not dropped may be off, relative, beside the tolerance: MXNet's is
# worked out in float32, in float64 too.
SCALE_ROUNDED = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison: `deviation` is allowed up to `tolerance`; `where` names the worst place."""

    name: str
    deviation: float
    tolerance: float
    where: str = ""
    ulps: float | None = None

    @property
    def passed(self) -> bool:
        return self.deviation <= self.tolerance  # not a number fails

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        return f"{self.name} deviates by {self.deviation:.2g}{place}, allowed {self.tolerance:.2g}"


# The checks in their order, with what each compares.
CHECKS = {
    "weights": "weights read back equal those loaded, bit for bit",
    "parameters": "trained values, counted by the framework",
    "logits": "logits of a real batch, evaluation mode",
    "rounding": "rounding to expect at the least, over what the logits show: 1 or less",
    "loss": "that batch's loss",
    "gradients": "the gradient of every weight",
    "update": "every weight after one update",
    "curve": f"the loss of each of the first {STEPS} steps; {HEAVY_STEPS} of a heavy one on images",
    "evaluated": "logits of a test batch after those steps",
    "formula": f"every weight after {FORMULA_STEPS} updates whose constants float32 holds",
    "dropout": "values dropped at the rate, each by itself and anew each step, in standard errors",
    "dropout backward": "the others scaled so that the mean is kept; loss and gradients meet both",
    "dropout off": "logits in evaluation mode of a network with dropout",
}


def _largest(found: Array, expected: Array) -> float:
    """The largest difference over the largest entry; infinite where shapes differ."""
    if found.shape != expected.shape:
        return math.inf
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _update(found: Array, expected: Array, initial: Array) -> float:
    if found.shape != expected.shape:
        return math.inf
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - initial))


def _strangeness(dropped: Array, rate: float, epsilon: float) -> float:
    """How far draws are from independent ones at `rate`, in standard errors of such draws.

    A rate may be rounded to the precision: Keras draws in bfloat16, where 0.2 is 26 of 128.

    `dropped` is true or false, (draws, examples, channels, places). Held against it are the share
    of all values; and, along each axis, the products of every two values that differ in their place
    there alone, each less the rate: they add up to 0 where a value tells nothing of the others. A
    channel that is dropped as a whole, or a draw that is used again, adds up to far more.
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


def _tensors(prefix: str, task: Task) -> dict[str, str]:
    return {parameter.name: f"{prefix}/{parameter.name}" for parameter in task.parameters}


def _within(name: str, deviations: Mapping[str, float], tolerance: float, epsilon: float) -> Check:
    """A check of the worst of several deviations, each by its place."""
    where = max(
        deviations, key=lambda one: math.inf if math.isnan(deviations[one]) else deviations[one]
    )
    worst = deviations[where]
    return Check(name=name, deviation=worst, tolerance=tolerance, where=where, ulps=worst / epsilon)


def checks(
    task: Task, trace: Mapping[str, Array], reference: Mapping[str, Array], precision: Precision
) -> Iterator[Check]:
    """Every check of a trace against the float64 reference's, in the order of `CHECKS`."""
    allowed = tolerance(task, precision)
    epsilon = EPSILONS[precision]
    initial = _tensors("weights", task)
    changed = sum(not np.array_equal(trace[key], reference[key]) for key in initial.values())
    yield Check(name="weights", deviation=changed, tolerance=0)
    extra = abs(int(trace["parameters"]) - task.parameter_count)
    yield Check(name="parameters", deviation=extra, tolerance=0)
    logits = {"": _largest(trace["logits"], reference["logits"])}
    yield _within("logits", logits, allowed.logits, epsilon)
    if allowed.rounding:
        seen = max(logits[""], np.finfo(np.float64).tiny)
        yield Check(name="rounding", deviation=allowed.rounding / seen, tolerance=1)
    loss = {"": abs(float(trace["losses"][0] / reference["losses"][0]) - 1)}
    yield _within("loss", loss, allowed.loss, epsilon)
    gradients = {
        name: _largest(trace[key], reference[key]) for name, key in _tensors("grads", task).items()
    }
    yield _within("gradients", gradients, allowed.gradients, epsilon)
    updates = {
        name: _update(trace[key], reference[key], reference[initial[name]])
        for name, key in _tensors("updated", task).items()
    }
    yield _within("update", updates, allowed.update, epsilon)
    followed = "opened/" if task.batch_norm and allowed.formula else ""
    losses = np.abs(trace[f"{followed}losses"] / reference[f"{followed}losses"] - 1)
    steps = {f"step {step + 1}": float(one) for step, one in enumerate(losses)}
    early = _within("curve", dict(islice(steps.items(), EARLY_STEPS)), allowed.early, epsilon)
    yield early if not early.passed else _within("curve", steps, allowed.curve, epsilon)
    # A running variance over n or over n - 1 values: the framework's own, whichever it is.
    known = (f"{followed}evaluated", f"{followed}evaluated/unbiased")
    evaluated = min(_largest(trace[known[0]], reference[key]) for key in known if key in reference)
    yield _within("evaluated", {"": evaluated}, allowed.evaluated, epsilon)
    if allowed.formula:
        start = opened(task, {name: reference[key] for name, key in initial.items()})
        exact = {
            name: _update(trace[key], reference[key], start[name])
            for name, key in _tensors("formula", task).items()
        }
        yield _within("formula", exact, allowed.formula, epsilon)
    if task.dropout:
        yield from _dropout(task, trace, reference, allowed, epsilon)


def _dropout(
    task: Task,
    trace: Mapping[str, Array],
    reference: Mapping[str, Array],
    allowed: Tolerance,
    epsilon: float,
) -> Iterator[Check]:
    """The checks of every dropout layer's draws, which `bench.worker.dropout_trace` describes."""
    strange, backward, off = {}, {}, {}
    for layer, rate in task.dropout.items():
        found = {key: trace[f"dropout/{layer}/{key}"] for key in ("values", "losses", "read")}
        values = found["values"] * (1 - rate)  # 1, or 0 where one was dropped
        dropped, scale = values < 1 / 2, values.max()
        strange[layer] = _strangeness(dropped, rate, epsilon)
        backward[f"{layer}, values"] = float(np.abs(values - scale * ~dropped).max())
        backward[f"{layer}, scale"] = float(np.maximum(np.abs(scale - 1) - SCALE_ROUNDED, 0))
        backward[f"{layer}, loss"] = _largest(found["losses"], found["read"].sum(axis=1))
        backward[f"{layer}, gradient"] = _largest(trace[f"dropout/{layer}/bias"], found["read"])
        logits = f"dropout/{layer}/logits"
        off[layer] = _largest(trace[logits], reference[logits])
    where = max(strange, key=lambda layer: strange[layer])
    yield Check(name="dropout", deviation=strange[where], tolerance=STANDARD_ERRORS, where=where)
    yield _within("dropout backward", backward, allowed.gradients, epsilon)
    yield _within("dropout off", off, allowed.logits, epsilon)
