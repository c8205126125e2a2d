"""The part of a trace that runs as timed training does: by its code, and at its full size.

The other parts cut batches and texts and lay out every batch anew, so that they stay cheap. Here a
session trains at the task's own length, and batch unless it is enormous (see MOST_FLOPS). Windows
are laid out, in buffers that are used again, and trained by the `Trainer` that is timed: the first
window staged step by step, the next one staged ahead, and so on. After each window comes the
evaluation that follows an epoch. The weights and the order are those of the next seed, which is
that of a run's second repeat.

* `full/seed`          the seed of weights and order, ()
* `full/losses`        the loss of each step, summed over updates, (steps,)
* `full/evaluated`     the test loss after the first step, (1,)
* `full/weights/NAME`  every weight after these steps

Where steps are cheap (see `is_long`), a trace in float64 goes on training:

* `long/losses`        the loss of each further step, (steps,)
* `long/evaluated`     the test loss after each window, (windows,)
* `long/weights/NAME`  every weight at the end

Where evaluation uses running statistics, all of this starts from the weights of `opened`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.cost import step_flops, training_flops
from bench.core.record import Feed
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import initial_weights, opened
from bench.worker.clock import Account
from bench.worker.dropout_trace import OpenSession
from bench.worker.evaluation import evaluate, evaluation_batch
from bench.worker.steady_pace import Trainer

# One step before the evaluation and two after it, of which the last has met a reused buffer.
FULL_STEPS = 3
# FLOPs of a step from which on a core needs seconds for it in float64. Then there is one step after
# the evaluation, and the evaluation has fewer examples.
DEAR_FLOPS = 5e9
DEAR_STEPS = 2
DEAR_EVALUATED = 100
# FLOPs of a step, and of an evaluation, that are too many for a proof on a CPU: only so many
# examples are taken as have fewer.
MOST_FLOPS = 2e11
# FLOPs of a step up to which there is a long curve, and its steps: with the first three, half an
# epoch of MNIST in batches of 64, which takes eager TensorFlow about eight seconds.
LONG_FLOPS = 1e8
LONG_STEPS = 468
LONG_WINDOW = 52
# By how much a seed can lengthen the long curve.
MORE_LONG_STEPS = 100


def is_long(task: Task) -> bool:
    """Whether steps of the task are cheap enough for a long curve."""
    return step_flops(task) <= LONG_FLOPS


def full_trace(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int, long: bool
) -> dict[str, Array]:
    """The arrays above, on the data in `folder`. `task` has no dropout; `long` asks for all."""
    example = training_flops(task)
    task = replace(task, batch=min(task.batch, int(MOST_FLOPS // example)))
    session, account = open_session(task), Account()
    dear = step_flops(task) > DEAR_FLOPS
    size = evaluation_batch(task)
    if dear:  # forward alone, a third of a step
        size = min(DEAR_EVALUATED, size, int(3 * MOST_FLOPS // example))
    test = Split(folder, "test", task, session.format, size)
    train = Split(folder, "train", task, session.format, None)
    feeds: tuple[Feed, ...] = ("host", "device")
    trainers = cycle([Trainer(session, feed, account, task) for feed in feeds])
    own = seed + 1
    order = (rows for epoch in count() for rows in train.epoch(own, epoch))

    def trained(steps: int) -> list[float]:
        trainer = next(trainers)
        batches = trainer.lay_out(train, np.array(list(islice(order, steps))))
        return trainer.window(batches).losses

    def evaluated() -> float:
        return evaluate(session, test, task, step=0, account=account, size=size).loss

    def weights(prefix: str) -> dict[str, Array]:
        return {f"{prefix}/weights/{name}": weight for name, weight in session.dump().items()}

    session.load(opened(task, initial_weights(task, own)))
    losses = trained(1)
    arrays = {"full/seed": np.array(own), "full/evaluated": np.array([evaluated()])}
    losses += trained((DEAR_STEPS if dear else FULL_STEPS) - 1)
    arrays |= {"full/losses": np.array(losses), **weights("full")}
    if long and is_long(task):
        further, losses_after = [], []
        for steps in _windows(LONG_STEPS + seed % (MORE_LONG_STEPS + 1)):
            further += trained(steps)
            losses_after.append(evaluated())
        arrays |= {"long/losses": np.array(further), "long/evaluated": np.array(losses_after)}
        arrays |= weights("long")
    session.close()
    return arrays


def _windows(steps: int) -> Iterator[int]:
    """The steps of each window of the long curve."""
    for start in range(0, steps, LONG_WINDOW):
        yield min(LONG_WINDOW, steps - start)
