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
from bench.core.errors import DivergedError
from bench.core.listener import Listener
from bench.core.metrics import count_correct, total_loss
from bench.core.record import Evaluation, Job, Measurement, Window, Windows
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import Array, digest
from bench.worker import clock
from bench.worker.steady_pace import HostBatch, ReadySession, make_ready

EVALUATION_BATCH = 500
FIRST_LOSSES = 32
FEED_BATCHES = 16
FEED_TURNS = 3


def evaluate(session: Session, split: Split, task: Task, step: int) -> Evaluation:
    """Accuracy and loss over the whole split, after `step` steps.

    The clock runs from staging to logits on the host. Raises DivergedError when the loss is not
    finite.
    """
    correct, loss, wall = 0, 0.0, 0.0
    for x, y, count in split.in_order(EVALUATION_BATCH):
        outputs: list[Array] = []

        def work(x: Array = x, y: Array = y, outputs: list[Array] = outputs) -> None:
            outputs.append(session.numpy(session.logits(session.stage(x, y))))

        wall += clock.timed(work, session.sync).wall
        logits, labels = outputs[0][:count], y[:count]
        correct += count_correct(task, logits, labels)
        loss += total_loss(task, logits, labels)
    total = len(split)
    if not math.isfinite(loss):
        raise DivergedError(f"test loss {loss / total} after {step} steps")
    return Evaluation(
        step=step, accuracy=correct / total, loss=loss / total, examples=total, wall=wall
    )


def compile_evaluation(session: Session, split: Split) -> None:
    """Evaluate one batch, so that what this compiles does not count in the first evaluation."""
    x, y, _ = next(split.in_order(EVALUATION_BATCH))
    session.numpy(session.logits(session.stage(x, y)))


def time_feeding(session: Session, batches: list[HostBatch]) -> float:
    """Seconds that staging one batch takes: the best of a few turns, because a turn is short."""

    def work() -> None:
        staged = [session.stage(x, y) for x, y in batches]
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
        cores=clock.allowed_cores(),
        feed_seconds=time_feeding(
            session, [ready.train.batch(rows) for rows in last[:FEED_BATCHES]]
        ),
        joules=training.joules,
        device_joules=training.device_joules,
    )
    session.close()
    return measurement
