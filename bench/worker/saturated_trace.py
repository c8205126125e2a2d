"""The part of a trace that starts from weights so large that functions saturate.

Near the initial weights outputs are small, activations are of a few units, and gradients are short.
What acts only beyond some value shows nothing there: a gradient that is clipped, a rectifier with a
ceiling, an exponent that is clamped, a probability that is cut off. So one step starts from the
initial weights times the largest power of STEP, up to STEP**MOST, with which no output of the batch
is above LARGEST. As far as a task's steps are cheap, and in float64, the trace has

* `saturated/factor`        that factor, ()
* `saturated/outputs/NAME`  of the batch, evaluation mode, (N, ...)
* `saturated/grads/NAME`    gradients of its loss
* `saturated/losses`        each update's loss in the step, (updates,)
* `saturated/updated/NAME`  every weight after it
* `saturated/state/NAME`    the optimizers' state after it
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.core.adapter import Session
from bench.core.arrays import Array
from bench.core.split import HostBatch, unlabelled
from bench.core.task import Task
from bench.worker.evaluation import outputs

# Far beyond where a sigmoid is 0 or 1 in float32, and below 64 for the difference of two, where
# Paddle's softmax on the CPU clips the arguments of its exponentials.
LARGEST = 25.0
STEP, MOST = 1.15, 16


def saturated_trace(
    session: Session, task: Task, batch: HostBatch, weights: Mapping[str, Array]
) -> dict[str, Array]:
    """The arrays above, of a session that has trained; `weights` are the initial ones."""
    asked, staged = unlabelled(task, batch), session.stage(batch)

    def scaled(power: int) -> dict[str, Array]:
        return {
            name: (STEP**power * weight).astype(weight.dtype) for name, weight in weights.items()
        }

    def found(power: int) -> dict[str, Array]:
        session.load(scaled(power))
        return outputs(session, asked)

    power, beyond = 0, MOST + 1
    while beyond - power > 1:
        middle = (power + beyond) // 2
        if max(float(np.abs(output).max()) for output in found(middle).values()) <= LARGEST:
            power = middle
        else:
            beyond = middle
    arrays = {f"outputs/{name}": output for name, output in found(power).items()}
    arrays["factor"] = np.array(STEP**power)
    arrays |= {f"grads/{name}": gradient for name, gradient in session.gradients(staged).items()}
    session.load(scaled(power))  # `gradients` may have moved running statistics
    losses = [float(session.numpy(loss)) for loss in session.step(staged)]
    arrays["losses"] = np.array(losses)
    arrays |= {f"updated/{name}": weight for name, weight in session.dump().items()}
    arrays |= {f"state/{name}": value for name, value in session.state().items()}
    return {f"saturated/{key}": array for key, array in arrays.items()}
