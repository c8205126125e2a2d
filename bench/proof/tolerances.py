"""The deviations from the reference that rounding explains, by precision and kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.core.setting import Precision
from bench.core.task import Task
from bench.proof.float32_tolerances import FLOAT32


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The largest deviations that rounding explains in one precision, relative as in `checks`.

    `early` applies to the first `EARLY_STEPS` losses of a curve, `curve` to the others. `formula`
    is None if `update` is tight enough to prove the formula by itself. `rounding` is for precisions
    coarser than a precision that the framework might use instead: the smallest deviation of
    outputs that shows that the precision is in use. `full_steps` applies to losses at full size,
    `full_evaluated` to the test loss between them. `long_curve` is None where rounding makes so
    long a training diverge, `saturated` where differences of large numbers are rounding alone.
    """

    outputs: float
    loss: float
    gradients: float
    update: float
    state: float
    early: float
    curve: float
    evaluated: float
    full_steps: float
    full_evaluated: float
    full_update: float
    long_curve: float | None = None
    saturated: float | None = None
    formula: float | None = None
    rounding: float | None = None


# In the first steps of a curve, rounding is not amplified yet. Their losses are held to the
# tolerance of a single loss, except where an update itself is coarse.
EARLY_STEPS = 5

# Products of numbers that are rounded to eight bits (bf16) or eleven (fp16, tf32), by the
# framework's own rules; sums and weights are in float32. A gradient or an update may be a fifth
# off, because maxima fall on other entries and small gradients change sign. With such coarse
# updates the losses diverge from the second step on: on the CNN in fp16 by 1.9e-3 at the fifth, in
# PyTorch, TensorFlow and JAX alike. These tolerances prove that the precision is in use and that
# nothing is grossly wrong in it; the source is proved in float64. The update at full size is that
# of all weights together: see `bench.proof.checks`.
_MIXED = {
    "early": 5e-3,
    "gradients": 0.5,
    "update": 0.75,
    "state": 1.0,
    "evaluated": 0.5,
    "formula": 0.5,
    "full_steps": 5e-3,
    "full_evaluated": 5e-2,
    "full_update": 0.75,
}


TOLERANCES: Mapping[str, Tolerance] = {
    # Rounding is 1e-16 and grows to 1e-12 over the first steps. Anything more has another cause.
    # Saturated: where a slope is 1 - tanh(x)**2 and all but 0, it has only a few digits.
    "float64": Tolerance(
        outputs=1e-9,
        loss=1e-9,
        gradients=1e-9,
        update=1e-9,
        state=1e-9,
        early=1e-9,
        curve=1e-9,
        evaluated=1e-9,
        full_steps=1e-9,
        full_evaluated=1e-9,
        full_update=1e-9,
        long_curve=1e-9,
        saturated=1e-6,
    ),
    # Sums of a few thousand float32 products differ by 1e-6, depending on the order of addition.
    # Gradients: a maximum over near equals may fall on another of them, which moves one term.
    # Update: Adam's first is the sign of each gradient, and the smallest gradients are rounding. A
    # batch of imdb-transformer trains 24,000 values of its table; one of them that moves to the
    # other side is 1.3 %, which MXNet showed for one seed in five. Five are allowed.
    # State: twice the gradients, as Adam holds squares of them.
    # Formula: with a large epsilon an update is as smooth as its gradient, and as close.
    # Curve, evaluated: from there on training amplifies rounding, on the CNN and the LSTM by a
    # factor of a thousand and more in any framework; here the float64 proof is the tight one.
    "float32": Tolerance(
        outputs=1e-5,
        loss=1e-5,
        gradients=3e-4,
        update=3e-2,
        state=6e-4,
        early=1e-5,
        curve=1e-2,
        evaluated=1e-1,
        formula=3e-3,
        full_steps=1e-5,
        full_evaluated=1e-4,
        full_update=3e-2,
    ),
    "tf32": Tolerance(outputs=5e-3, loss=1e-3, curve=5e-2, rounding=5e-6, **_MIXED),
    "bf16": Tolerance(outputs=4e-2, loss=5e-3, curve=5e-2, rounding=5e-5, **_MIXED),
    "fp16": Tolerance(outputs=5e-3, loss=1e-3, curve=5e-2, rounding=5e-6, **_MIXED),
}

# The tolerances that differ for tasks with batch normalization.
# float64, evaluated: MXNet and Paddle hold the momentum of running statistics in float32, where 0.1
# is off by 2.4e-7. A wrong momentum, or statistics of wrong steps, would be off by a hundredth.
# float32, gradients and update: rounding carries values over the edge of a rectifier (see
# `bench.core.weights.opened`), and each of the task's own steps amplifies the effect on their
# losses. Therefore curve and evaluated, like the formula, are those of the steps from open
# rectifiers.
BATCH_NORM: Mapping[str, Mapping[str, float]] = {
    "float64": {"evaluated": 1e-5, "full_evaluated": 1e-3},
    "float32": {"gradients": 1e-1, "update": 1e-1, "state": 2e-1},
}


# The tolerances that differ for heavy tasks on images whose rectifiers are not opened. They are
# proved with batches of 16, in which one value that rounding carries over the edge of a rectifier,
# or one maximum that falls on another entry, weighs four times as much: on cifar-vgg it moves the
# update of the first layer by 1.9e-3 in PaddlePaddle and by 5.3e-3 in TensorFlow with XLA, and in
# the other frameworks not at all. The same optimizer is held to the tight tolerance on cifar-lenet.
SMALL_BATCH: Mapping[str, Mapping[str, float]] = {"float32": {"formula": 1e-2}}

# The tolerances that differ for tasks that are proved on less than their own size, as there their
# steps multiply rounding. On xray-cnn, float32's constants of Adam change each of 246,016 weights
# of a unit alike, by 1e-8 of the rate: of the second loss that makes 1.5e-4 in every framework but
# MXNet, whose constants are more exact. The test loss before it is as far off.
ROUGH: Mapping[str, Mapping[str, float]] = {
    "float32": {"full_steps": 3e-3, "full_evaluated": 3e-3},
    **{
        precision: {"full_steps": 1.0, "full_evaluated": 1.0}
        for precision in ("tf32", "bf16", "fp16")
    },
}

# By chance alone, correct draws, of dropout or of noise, are off by more than this many standard
# errors once in two million times.
STANDARD_ERRORS = 5.0
# How far the scale of what dropout keeps may be off, relative, beside the tolerance: MXNet computes
# it in float32 even in float64.
DROPOUT_SCALE_ROUNDING = float(np.finfo(np.float32).eps)
# How many losses with different noise may be the same by chance: two of 48, of numbers that differ
# by 10 and are multiples of 6e-5, as in float32, coincide once in a thousand times.
REPEATED_LOSSES = 1


def kind_special(task: Task, precision: Precision) -> Mapping[str, float]:
    """The tolerances that differ from those of the precision for tasks of this kind."""
    if task.running_statistics:
        return BATCH_NORM.get(precision, {})
    if task.proved_as:
        return ROUGH.get(precision, {})
    return SMALL_BATCH.get(precision, {}) if task.short_proof else {}


def special(task: Task, precision: Precision) -> Mapping[str, float]:
    """The tolerances of `task`, by name, that differ from those of the precision."""
    own = FLOAT32.get(task.name, {}) if precision == "float32" else {}
    return {**kind_special(task, precision), **own}


def tolerance(task: Task, precision: Precision) -> Tolerance:
    """The deviations that rounding explains in `task`."""
    return replace(TOLERANCES[precision], **special(task, precision))
