"""Bring a session to a steady pace: build it, take its first step, and warm it up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from bench.core.adapter import Adapter, Batch, Native, Session
from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.core.record import Job
from bench.core.split import HostBatch, Split
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker import clock

# The pace is steady when the last three windows of the warm-up are within a tenth of each other.
STEADY_WINDOWS = 3
STEADY_SPREAD = 1.1
# The most warm-up batches that are laid out in memory at a time. Slow steps need few of them.
WARMUP_BATCHES = 64


class Trainer:
    """Trains one session in timed windows."""

    def __init__(self, job: Job, session: Session) -> None:
        self._session = session
        self._staged_ahead = job.cell.feed == "device"

    def window(self, batches: list[HostBatch]) -> tuple[clock.Timed, list[float]]:
        """Train on `batches` between two fences. The losses are read after the second.

        A step's loss is the sum of those of its updates.
        """
        session = self._session
        losses: list[tuple[Native, ...]] = []
        if self._staged_ahead:
            staged: list[Batch] = [session.stage(batch) for batch in batches]

            def work() -> None:
                for batch in staged:
                    losses.append(session.step(batch))
        else:

            def work() -> None:
                for batch in batches:
                    losses.append(session.step(session.stage(batch)))

        timing = clock.timed(work, session.sync)
        return timing, [sum(float(session.numpy(loss)) for loss in step) for step in losses]


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """The outcome of a warm-up: `pace` is that of its best recent window, in seconds per step."""

    steps: int
    seconds: float
    pace: float
    steady: bool


def warm_up(trainer: Trainer, supply: Iterator[HostBatch], job: Job) -> WarmUp:
    """Train until the pace is steady or `job.warmup` seconds have passed."""
    steps, seconds, count = 0, 0.0, 1
    paces: list[float] = []
    while True:
        timing, _ = trainer.window(list(islice(supply, count)))
        steps, seconds = steps + count, seconds + timing.wall
        paces.append(timing.wall / count)
        last = paces[-STEADY_WINDOWS:]
        steady = len(last) == STEADY_WINDOWS and max(last) <= STEADY_SPREAD * min(last)
        if (steady and seconds >= 2 * job.window) or seconds >= job.warmup:
            return WarmUp(steps=steps, seconds=seconds, pace=min(last), steady=steady)
        count = max(1, min(WARMUP_BATCHES, round(job.window / paces[-1])))


@dataclass(frozen=True, kw_only=True)
class ReadySession:
    """A session after its warm-up, and how long getting there took.

    `weights` are the canonical initial ones, which training starts from once they are loaded again.
    """

    session: Session
    trainer: Trainer
    train: Split
    weights: dict[str, Array]
    build_seconds: float
    first_step_seconds: float
    warm_up: WarmUp


def make_ready(job: Job, task: Task, adapter: Adapter, listener: Listener) -> ReadySession:
    """Build the job's session, take its first step, and warm it up. The process is set up."""
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
    return ReadySession(
        session=session,
        trainer=trainer,
        train=train,
        weights=weights,
        build_seconds=build_seconds,
        first_step_seconds=first_step.wall,
        warm_up=warm_up(trainer, supply, job),
    )
