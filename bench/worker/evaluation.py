"""Evaluate a session on a test set: outputs in evaluation mode, and the task's metric."""

from __future__ import annotations

import math

from bench.core.adapter import Session
from bench.core.arrays import Array
from bench.core.errors import DivergedError
from bench.core.measurement import Evaluation
from bench.core.split import HostBatch, Split, unlabelled
from bench.core.task import Task
from bench.worker import clock

EVALUATION_BATCH = 500


def outputs(session: Session, batch: HostBatch) -> dict[str, Array]:
    """A batch's outputs in evaluation mode, by the names of the task, as host arrays."""
    native = session.outputs(session.stage(batch))
    return {name: session.numpy(output) for name, output in native.items()}


def evaluate(
    session: Session,
    split: Split,
    task: Task,
    *,
    step: int,
    account: clock.Account,
    size: int = EVALUATION_BATCH,
) -> Evaluation:
    """The metric and the loss over the whole split, in batches of `size`, after `step` steps.

    The framework is given zeros for the targets, which only the metric and the loss here read. The
    clock runs from staging to outputs on the host. Raises DivergedError when the loss is not
    finite.
    """
    begun = clock.seconds()
    metric_sum, metric_count, loss, wall = 0.0, 0, 0.0, 0.0
    for batch, count in split.in_order(size):
        found: dict[str, Array] = {}
        staged = unlabelled(task, batch)

        def work(batch: HostBatch = staged, found: dict[str, Array] = found) -> None:
            found.update(outputs(session, batch))

        wall += clock.timed(work, session.sync).wall
        shown = {name: output[:count] for name, output in found.items()}
        known = {name: array[:count] for name, array in batch.items()}
        part, values = task.metric.of(shown, known)
        metric_sum, metric_count = metric_sum + part, metric_count + values
        loss += sum(update.loss.total(shown, known) for update in task.updates)
    account.by_purpose["metrics"] += clock.seconds() - begun - wall
    total = len(split)
    if not math.isfinite(loss):
        raise DivergedError(f"test loss {loss / total} after {step} steps")
    return Evaluation(
        step=step,
        metric=task.metric.value(metric_sum, metric_count),
        loss=loss / total,
        examples=total,
        wall=wall,
    )


def compile_evaluation(session: Session, split: Split, task: Task) -> None:
    """Evaluate one batch, so that what this compiles does not count in the first evaluation."""
    batch, _ = next(split.in_order(EVALUATION_BATCH))
    outputs(session, unlabelled(task, batch))
