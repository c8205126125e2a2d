"""Train one task in one framework and measure it: the same loop for all.

The order: build, first step, warm up until steady, weights back to their canonical values, then the
budget's epochs in timed windows. After each epoch comes an evaluation, outside the windows. What is
trained after that, until enough seconds are timed, shows only the pace. All training is in turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count as count_from
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
from bench.worker.turns import Turns

EVALUATION_BATCH = 500
FIRST_LOSSES = 32
FEED_BATCHES = 16
FEED_TURNS = 3
# Steps in a turn at least, so that a first step, which is not counted, costs little.
STEPS_IN_A_TURN = 4


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


def _total(energy: Sequence[float | None]) -> float | None:
    """The sum over all windows. None if the machine does not report one of them."""
    reported = [joules for joules in energy if joules is not None]
    return math.fsum(reported) if len(reported) == len(energy) else None


class TimedTraining:
    """Trains epochs in timed windows and in turns, and collects what each window took.

    `seconds` are those of all windows but the first of each turn, which lets the process settle.
    """

    def __init__(self, job: Job, ready: ReadySession, turns: Turns, listener: Listener) -> None:
        self._job = job
        self._ready = ready
        self._turns = turns
        self._listener = listener
        self._total = job.budget.epochs * len(ready.train.epoch(job.seed, 0))
        self._expected = max(job.seconds, self._total * ready.warm_up.pace)
        self._elapsed = 0.0
        self.steps = 0
        self.seconds = 0.0
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

    @property
    def enough(self) -> bool:
        """Whether the job is timed for long enough."""
        return self.seconds >= self._job.seconds

    def train(self, epoch: int) -> None:
        """Train one epoch, or beyond the budget until enough is timed.

        Raises DivergedError when the loss is no longer finite.
        """
        split, turns = self._ready.train, self._turns
        left = split.epoch(self._job.seed, epoch)
        while len(left) and not (epoch >= self._job.budget.epochs and self.enough):
            if turns.over:
                self._wait()
            size = 1 if turns.fresh else self._window_size(len(left))
            batches, left = left[:size], left[size:]
            timing, losses = self._ready.trainer.window(split.window(batches))
            self._add(epoch, timing, losses)
            self._listener.progress(str(self._job.cell), min(self.steps, self._total), self._total)

    def _wait(self) -> None:
        """Wait for the next turn."""
        self._turns.wait(
            self._elapsed / self._expected,
            least=STEPS_IN_A_TURN * self._ready.warm_up.pace,
            device_bytes=self._ready.session.peak_device_bytes(),
        )

    def _window_size(self, left: int) -> int:
        """Steps of the next window, so that those `left` make windows as even as possible."""
        size = max(1, round(self._job.window / self._ready.warm_up.pace))
        return math.ceil(left / max(1, round(left / size)))

    def _add(self, epoch: int, timing: clock.Timed, losses: list[float]) -> None:
        self.steps += len(losses)
        mean = float(np.mean(losses))
        if not math.isfinite(mean):
            raise DivergedError(f"training loss {mean} within {self.steps} steps")
        self.first_losses += losses[: FIRST_LOSSES - len(self.first_losses)]
        self._elapsed += timing.wall
        self.seconds += 0.0 if self._turns.fresh else timing.wall
        self._turns.use(timing.wall)
        self.windows.append(
            Window(
                turn=self._turns.number,
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
    job: Job,
    task: Task,
    adapter: Adapter,
    *,
    turns: Turns,
    listener: Listener,
    import_seconds: float,
) -> Measurement:
    """Train the job's budget, and for `job.seconds` at least.

    Raises DivergedError when a loss is no longer finite.
    """
    subject = str(job.cell)
    ready = make_ready(job, task, adapter, listener)
    session = ready.session
    test = Split(Path(job.data), "test", task, session.format, job.budget.test_examples)
    listener.phase(subject, "compile evaluation")
    compile_evaluation(session, test)

    session.load(ready.weights)
    training = TimedTraining(job, ready, turns, listener)
    evaluations = []
    for epoch in range(job.budget.epochs):
        listener.phase(subject, "train")
        training.train(epoch)
        listener.phase(subject, "evaluate")
        evaluations.append(evaluate(session, test, task, training.steps))
    listener.phase(subject, "train on")
    for epoch in count_from(job.budget.epochs):
        if training.enough:
            break
        training.train(epoch)

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
