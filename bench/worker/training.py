"""Train one task in one framework and measure it: the same loop for all.

The order: build, first step, warm up until steady, weights back to their canonical values, then the
budget's epochs in timed windows, with an evaluation after each epoch outside of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from bench.core.adapter import Adapter, Batch, Native, Session
from bench.core.errors import DivergedError
from bench.core.listener import Listener
from bench.core.metrics import count_correct, total_loss
from bench.core.record import Evaluation, Job, Measurement, Window, Windows
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import Array, digest, initial_weights
from bench.worker import clock

EVALUATION_BATCH = 500
FIRST_LOSSES = 32
# Steady: the last three windows of the warm-up within a tenth of each other.
STEADY_WINDOWS = 3
STEADY_SPREAD = 1.1
# The most warm-up batches that are laid out in memory at a time; slow steps need few of them.
WARMUP_BATCHES = 64
FEED_BATCHES = 16
FEED_TURNS = 3

HostBatch = tuple[Array, Array]


class Trainer:
    """One session under one job's clock."""

    def __init__(self, job: Job, session: Session) -> None:
        self._session = session
        self._staged_ahead = job.cell.feed == "device"

    def window(self, batches: list[HostBatch]) -> tuple[clock.Timed, list[float]]:
        """Train on `batches` between two fences. The losses are read after the second."""
        session = self._session
        losses: list[Native] = []
        if self._staged_ahead:
            staged: list[Batch] = [session.stage(x, y) for x, y in batches]

            def work() -> None:
                for batch in staged:
                    losses.append(session.step(batch))
        else:

            def work() -> None:
                for x, y in batches:
                    losses.append(session.step(session.stage(x, y)))

        took = clock.timed(work, session.sync)
        return took, [float(session.numpy(loss)) for loss in losses]


def warm_up(
    trainer: Trainer, supply: Iterator[HostBatch], job: Job
) -> tuple[int, float, float, bool]:
    """Steps until the pace is steady or `job.warmup` seconds have passed.

    Returns steps, seconds, the last pace in seconds a step, and whether it was steady.
    """
    steps, seconds, count = 0, 0.0, 1
    paces: list[float] = []
    while True:
        took, _ = trainer.window(list(islice(supply, count)))
        steps, seconds = steps + count, seconds + took.wall
        paces.append(took.wall / count)
        last = paces[-STEADY_WINDOWS:]
        steady = len(last) == STEADY_WINDOWS and max(last) <= STEADY_SPREAD * min(last)
        if (steady and seconds >= 2 * job.window) or seconds >= job.warmup:
            return steps, seconds, min(last), steady
        count = max(1, min(WARMUP_BATCHES, round(job.window / paces[-1])))


def evaluate(session: Session, split: Split, task: Task, step: int) -> Evaluation:
    """Accuracy and loss over the whole split; the clock runs from staging to logits on the host."""
    right, loss, wall = 0, 0.0, 0.0
    for x, y, count in split.in_order(EVALUATION_BATCH):
        found: list[Array] = []

        def work(x: Array = x, y: Array = y, found: list[Array] = found) -> None:
            found.append(session.numpy(session.logits(session.stage(x, y))))

        wall += clock.timed(work, session.sync).wall
        logits, labels = found[0][:count], y[:count]
        right += count_correct(task, logits, labels)
        loss += total_loss(task, logits, labels)
    total = len(split)
    return Evaluation(
        step=step, accuracy=right / total, loss=loss / total, examples=total, wall=wall
    )


def feeding(session: Session, batches: list[HostBatch]) -> float:
    """Seconds that staging one batch takes: the best of a few turns, as a turn is short."""

    def work() -> None:
        staged = [session.stage(x, y) for x, y in batches]
        del staged

    return min(clock.timed(work, session.sync).wall for _ in range(FEED_TURNS)) / len(batches)


def _windows(steps: int, pace: float, window: float) -> list[Array]:
    """The steps of an epoch in windows of about `window` seconds, as even as can be."""
    size = max(1, round(window / pace))
    return np.array_split(np.arange(steps), max(1, round(steps / size)))


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A session that trains at a steady pace, and the seconds that it took to bring it there.

    `pace` is in seconds a step; `weights` are the canonical ones that the session began with.
    """

    session: Session
    trainer: Trainer
    train: Split
    weights: dict[str, Array]
    build_seconds: float
    first_step_seconds: float
    warmup_steps: int
    warmup_seconds: float
    pace: float
    steady: bool


def make_ready(job: Job, task: Task, adapter: Adapter, listener: Listener) -> Ready:
    """Build the job's session, take its first step, and warm it up."""
    listener.phase(str(job.cell), "build")
    watch = clock.Stopwatch()
    session = adapter.open(task, mode=job.cell.mode, setting=job.cell.setting, seed=job.seed)
    weights = initial_weights(task, job.seed)
    session.load(weights)
    session.sync()
    build_seconds = watch.read().wall

    train = Split(Path(job.data), "train", task, session.format, job.budget.train_examples)
    trainer = Trainer(job, session)

    listener.phase(str(job.cell), "first step")
    supply = cycle(train.batch(rows) for rows in train.epoch(job.seed, 0)[:WARMUP_BATCHES])
    first_step, _ = trainer.window([next(supply)])

    listener.phase(str(job.cell), "warm-up")
    warmup_steps, warmup_seconds, pace, steady = warm_up(trainer, supply, job)
    return Ready(
        session=session,
        trainer=trainer,
        train=train,
        weights=weights,
        build_seconds=build_seconds,
        first_step_seconds=first_step.wall,
        warmup_steps=warmup_steps,
        warmup_seconds=warmup_seconds,
        pace=pace,
        steady=steady,
    )


def _total(energy: Sequence[float | None]) -> float | None:
    """The sum over all windows; None where one does not tell."""
    known = [one for one in energy if one is not None]
    return math.fsum(known) if len(known) == len(energy) else None


def measure(
    job: Job, task: Task, adapter: Adapter, *, listener: Listener, import_seconds: float
) -> Measurement:
    """Do what the job asks for. Raises DivergedError when the loss is no longer finite."""
    ready = make_ready(job, task, adapter, listener)
    session, train, budget = ready.session, ready.train, job.budget
    test = Split(Path(job.data), "test", task, session.format, budget.test_examples)
    listener.phase(str(job.cell), "compile evaluation")
    x, y, _ = next(test.in_order(EVALUATION_BATCH))
    session.numpy(session.logits(session.stage(x, y)))
    del x, y

    session.load(ready.weights)
    windows: list[Window] = []
    evaluations: list[Evaluation] = []
    first_losses: list[float] = []
    energy: list[float | None] = []
    device_energy: list[float | None] = []
    done, total = 0, budget.epochs * (len(train) // task.batch)
    for epoch in range(budget.epochs):
        listener.phase(str(job.cell), "train")
        order = train.epoch(job.seed, epoch)
        for chosen in _windows(len(order), ready.pace, job.window):
            took, losses = ready.trainer.window(train.window(order[chosen]))
            mean = float(np.mean(losses))
            if not math.isfinite(mean):
                raise DivergedError(f"training loss {mean} within {done + len(losses)} steps")
            first_losses += losses[: FIRST_LOSSES - len(first_losses)]
            windows.append(
                Window(
                    epoch=epoch,
                    steps=len(losses),
                    wall=took.wall,
                    cpu=took.cpu,
                    involuntary=took.involuntary,
                    loss=mean,
                    others=took.others,
                    stolen=took.stolen,
                )
            )
            energy.append(took.joules)
            device_energy.append(took.device_joules)
            done += len(losses)
            listener.progress(str(job.cell), done, total)
        listener.phase(str(job.cell), "evaluate")
        evaluation = evaluate(session, test, task, done)
        if not math.isfinite(evaluation.loss):
            raise DivergedError(f"test loss {evaluation.loss} after {done} steps")
        evaluations.append(evaluation)

    listener.phase(str(job.cell), "finish")
    measurement = Measurement(
        import_seconds=import_seconds,
        build_seconds=ready.build_seconds,
        first_step_seconds=ready.first_step_seconds,
        warmup_steps=ready.warmup_steps,
        warmup_seconds=ready.warmup_seconds,
        steady=ready.steady,
        windows=Windows.of(windows),
        evaluations=tuple(evaluations),
        first_losses=tuple(first_losses),
        peak_resident_bytes=clock.peak_resident_bytes(),
        peak_device_bytes=session.peak_device_bytes(),
        weights_digest=digest(ready.weights),
        parameter_count=session.parameter_count(),
        cores=clock.allowed_cores(),
        feed_seconds=feeding(session, [train.batch(rows) for rows in order[:FEED_BATCHES]]),
        joules=_total(energy),
        device_joules=_total(device_energy),
    )
    session.close()
    return measurement
