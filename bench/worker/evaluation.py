"""Evaluate a session on a test set: outputs in evaluation mode, and the task's metric."""

from __future__ import annotations

import math

import numpy as np

from bench.core.adapter import OwnLoop, Session
from bench.core.arrays import Array
from bench.core.errors import DivergedError
from bench.core.measurement import Evaluation
from bench.core.split import HostBatch, Split, unlabelled
from bench.core.task import Task
from bench.worker import clock

EVALUATION_BATCH = 500
# Values of a network's output that a batch has at most: 32 MB in float32. Where each step of a
# sequence has a logit for every word, an example has a hundred thousand.
MOST_OUTPUTS = 1 << 23
# Values that a layer makes of a batch at most: 256 MB in float32. Of a large picture a convolution
# makes two million.
MOST_VALUES = 1 << 26


def _fitting(task: Task) -> int:
    """The number of examples, at least 1, that `MOST_OUTPUTS` and `MOST_VALUES` allow."""
    values = [layer.output_values(task.length or 1) for layer in task.layers]
    fitting = min(MOST_OUTPUTS // max(values[-1], 1), MOST_VALUES // max(*values, 1))
    return max(1, fitting)


def evaluation_batch(task: Task) -> int:
    """The number of examples that are evaluated at a time."""
    return 1 if task.whole else min(EVALUATION_BATCH, _fitting(task))


def outputs(session: Session, batch: HostBatch, size: int | None = None) -> dict[str, Array]:
    """A batch's outputs in evaluation mode, by the names of the task, as host arrays.

    With a `size`, a session that owns its loop cuts the batch into batches of it.
    """
    if size and isinstance(session, OwnLoop):
        native = session.predict(batch, size)
    else:
        native = session.outputs(session.stage(batch))
    return {name: session.numpy(output) for name, output in native.items()}


def _evaluated_at_a_time(session: Session, task: Task, split: Split, size: int) -> int:
    """How many examples a session evaluates at a time, in batches of `size`.

    One that owns its loop gets all batches that `MOST_OUTPUTS` allows.
    """
    if not isinstance(session, OwnLoop):
        return size
    batches = math.ceil(min(_fitting(task), len(split)) / size)
    return size * batches


def evaluate(
    session: Session,
    split: Split,
    task: Task,
    *,
    step: int,
    account: clock.Account,
    size: int | None = None,
) -> Evaluation:
    """The metric and the loss over the whole split, after `step` steps.

    Batches have `size` examples, or as many as `evaluation_batch` says. The framework is given
    zeros for the targets, which only the metric and the loss here read. The clock runs from staging
    to outputs on the host. Raises DivergedError when the loss is not finite.
    """
    begun = clock.seconds()
    size = size or evaluation_batch(task)
    metric, sums, wall = task.metric.on(split.folder), np.zeros(()), 0.0
    losses = np.zeros((len(task.updates), 2))  # of each update, the sum and how many it is over
    for batch, count in split.in_order(_evaluated_at_a_time(session, task, split, size)):
        found: dict[str, Array] = {}
        staged = unlabelled(task, batch)

        def work(batch: HostBatch = staged, found: dict[str, Array] = found) -> None:
            found.update(outputs(session, batch, size))

        wall += clock.timed(work, session.sync).wall
        shown = {name: output[:count] for name, output in found.items()}
        known = {name: array[:count] for name, array in batch.items()}
        sums = sums + metric.of(shown, known)
        losses += [update.loss.of(shown, known) for update in task.updates]
    account.by_purpose["metrics"] += clock.seconds() - begun - wall
    loss = float((losses[:, 0] / losses[:, 1]).sum())
    if not math.isfinite(loss):
        raise DivergedError(f"test loss {loss} after {step} steps")
    return Evaluation(
        step=step,
        metric=metric.value(sums),
        loss=loss,
        examples=len(split),
        wall=wall,
    )


def compile_evaluation(session: Session, split: Split, task: Task) -> None:
    """Evaluate one batch, so that what this compiles does not count in the first evaluation."""
    size = evaluation_batch(task)
    batch, _ = next(split.in_order(size))
    outputs(session, unlabelled(task, batch), size)
