"""Train one task in one framework and measure it: the same loop for all.

The order: build, first step, warm up until steady, weights back to their canonical values, then the
budget's epochs in timed windows. After each epoch comes an evaluation, outside the windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.core.adapter import Adapter, Session
from bench.core.arrays import Array, digest
from bench.core.errors import DivergedError
from bench.core.listener import Listener
from bench.core.record import Evaluation, Job, Measurement, Window, Windows
from bench.core.split import HostBatch, Split
from bench.core.task import Task
from bench.worker import clock, cores
from bench.worker.steady_pace import ReadySession, make_ready

EVALUATION_BATCH = 500
FIRST_LOSSES = 32
FEED_BATCHES = 16
FEED_TURNS = 3


def evaluate(session: Session, split: Split, task: Task, step: int) -> Evaluation:
    """The metric and the loss over the whole split, after `step` steps.

    The clock runs from staging to outputs on the host. Raises DivergedError when the loss is not
    finite.
    """
    metric_sum, metric_count, loss, wall = 0.0, 0, 0.0, 0.0
    for batch, count in split.in_order(EVALUATION_BATCH):
        outputs: dict[str, Array] = {}

        def work(batch: HostBatch = batch, outputs: dict[str, Array] = outputs) -> None:
            for name, output in session.outputs(session.stage(batch)).items():
                outputs[name] = session.numpy(output)

        wall += clock.timed(work, session.sync).wall
        shown = {name: output[:count] for name, output in outputs.items()}
        known = {name: array[:count] for name, array in batch.items()}
        part, values = task.metric.of(shown, known)
        metric_sum, metric_count = metric_sum + part, metric_count + values
        loss += sum(update.loss.total(shown, known) for update in task.updates)
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


def compile_evaluation(session: Session, split: Split) -> None:
    """Evaluate one batch, so that what this compiles does not count in the first evaluation."""
    batch, _ = next(split.in_order(EVALUATION_BATCH))
    for output in session.outputs(session.stage(batch)).values():
        session.numpy(output)


def time_feeding(session: Session, batches: list[HostBatch]) -> float:
    """Seconds that staging one batch takes: the best of a few turns, because a turn is short."""

    def work() -> None:
        staged = [session.stage(batch) for batch in batches]
        del staged

    return min(clock.timed(work, session.sync).wall for _ in range(FEED_TURNS)) / len(batches)


def _even_windows(steps: int, pace: float, window: float) -> list[Array]:
    """The steps of an epoch in windows of about `window` seconds, as even as possible."""
    size = max(1, round(window / pace))
    return np.array_split(np.arange(steps), max(1, round(steps / size)))


def _total(energy: Sequence[float | None]) -> float | None:
    """The sum over all windows. None if the machine does not report one of them."""
    reported = [joules for joules in energy if joules is not None]
    return math.fsum(reported) if len(reported) == len(energy) else None


class TimedTraining:
    """Trains epochs in timed windows, and collects what each window took."""

    def __init__(self, job: Job, ready: ReadySession, listener: Listener) -> None:
        self._job = job
        self._ready = ready
        self._listener = listener
        self.steps = 0
        self.windows: list[Window] = []
        self.first_losses: list[float] = []
        self._joules: list[float | None] = []
        self._device_joules: list[float | None] = []

    @property
    def joules(self) -> float | None:
        """The energy of the processor packages over all windows."""
        return _total(self._joules)

    @property
    def device_joules(self) -> float | None:
        """The energy of the GPU over all windows."""
        return _total(self._device_joules)

    def train(self, epoch: int) -> None:
        """Train one epoch. Raises DivergedError when the loss is no longer finite."""
        job, split = self._job, self._ready.train
        order = split.epoch(job.seed, epoch)
        total = job.budget.epochs * len(order)
        for steps in _even_windows(len(order), self._ready.warm_up.pace, job.window):
            timing, losses = self._ready.trainer.window(split.window(order[steps]))
            self._add(epoch, timing, losses)
            self._listener.progress(str(job.cell), self.steps, total)

    def _add(self, epoch: int, timing: clock.Timed, losses: list[float]) -> None:
        self.steps += len(losses)
        mean = float(np.mean(losses))
        if not math.isfinite(mean):
            raise DivergedError(f"training loss {mean} within {self.steps} steps")
        self.first_losses += losses[: FIRST_LOSSES - len(self.first_losses)]
        self.windows.append(
            Window(
                epoch=epoch,
                steps=len(losses),
                wall=timing.wall,
                cpu=timing.cpu,
                involuntary=timing.involuntary,
                loss=mean,
                others=timing.others,
                stolen=timing.stolen,
            )
        )
        self._joules.append(timing.joules)
        self._device_joules.append(timing.device_joules)


def measure(
    job: Job, task: Task, adapter: Adapter, *, listener: Listener, import_seconds: float
) -> Measurement:
    """Train the job's budget. Raises DivergedError when a loss is no longer finite."""
    subject = str(job.cell)
    ready = make_ready(job, task, adapter, listener)
    session = ready.session
    test = Split(Path(job.data), "test", task, session.format, job.budget.test_examples)
    listener.phase(subject, "compile evaluation")
    compile_evaluation(session, test)

    session.load(ready.weights)
    training = TimedTraining(job, ready, listener)
    evaluations = []
    for epoch in range(job.budget.epochs):
        listener.phase(subject, "train")
        training.train(epoch)
        listener.phase(subject, "evaluate")
        evaluations.append(evaluate(session, test, task, training.steps))

    listener.phase(subject, "finish")
    last = ready.train.epoch(job.seed, job.budget.epochs - 1)
    measurement = Measurement(
        import_seconds=import_seconds,
        build_seconds=ready.build_seconds,
        first_step_seconds=ready.first_step_seconds,
        warmup_steps=ready.warm_up.steps,
        warmup_seconds=ready.warm_up.seconds,
        steady=ready.warm_up.steady,
        windows=Windows.of(training.windows),
        evaluations=tuple(evaluations),
        first_losses=tuple(training.first_losses),
        peak_resident_bytes=clock.peak_resident_bytes(),
        peak_device_bytes=session.peak_device_bytes(),
        weights_digest=digest(ready.weights),
        parameter_count=session.parameter_count(),
        cores=cores.count().physical,
        feed_seconds=time_feeding(
            session, [ready.train.batch(rows) for rows in last[:FEED_BATCHES]]
        ),
        joules=training.joules,
        device_joules=training.device_joules,
    )
    session.close()
    return measurement
