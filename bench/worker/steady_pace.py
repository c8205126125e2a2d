"""Bring a session to a steady pace: build it, take its first step, and warm it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from bench.core.adapter import Adapter, Batch, Native, OwnLoop, Session
from bench.core.arrays import Array
from bench.core.errors import WrongError
from bench.core.listener import Listener
from bench.core.record import Feed, Job
from bench.core.split import HostBatch, Split
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker import clock

# The pace is steady when the last three windows of the warm-up are within a tenth of each other.
STEADY_WINDOWS = 3
STEADY_SPREAD = 1.1
# The most warm-up batches that are laid out in memory at a time. Slow steps need few of them.
WARMUP_BATCHES = 64
# The least seconds of a window of a session that owns its loop: starting the loop is a part of it.
# Its warm-up has shorter ones, so that several fit, and at least so many are timed.
LOOP_WINDOW, LOOP_WARM_UP_WINDOW = 2.0, 0.4
LOOP_WINDOWS = 3


@dataclass(frozen=True, kw_only=True)
class TrainedWindow:
    """The steps between two fences: what they took, and each step's loss, read after the second.

    `read` and `first_read` are in seconds, as in a `Window`; `clocks` is what reading the clocks
    took.
    """

    timing: clock.Timed
    losses: list[float]
    read: float
    first_read: float
    clocks: float

    @property
    def around(self) -> float:
        """Seconds before and after what its own clock counted."""
        return self.timing.fence + self.clocks + self.read


class Trainer:
    """Trains one session of a task in timed windows.

    A batch that is the whole data set is staged once, as a user would do.
    """

    def __init__(self, session: Session, feed: Feed, account: clock.Account, task: Task) -> None:
        self._session = session
        self._staged_ahead = feed == "device"
        self._account = account
        self._size = task.batch
        self._is_whole = task.whole
        self._matrices = task.matrices
        self._kept: Batch = None

    def seconds(self, intended: float, in_a_loop: float = LOOP_WINDOW) -> float:
        """The length of a window: `intended`, or `in_a_loop` for a session that owns its loop."""
        return max(intended, in_a_loop) if isinstance(self._session, OwnLoop) else intended

    def lay_out(self, split: Split, order: Array) -> list[HostBatch]:
        """The examples of a window by their positions, (steps, size): a batch for each step.

        For a session that owns its loop, all of them in one, as its users have them.
        """
        if isinstance(self._session, OwnLoop):
            return [split.batch(order.reshape(-1))]
        return split.window(order)

    def window(self, batches: list[HostBatch]) -> TrainedWindow:
        """Train on `batches` between two fences. A step's loss is the sum of those of its updates.

        The loss of the last step is read first: it needs all steps before it, so that it waits for
        whatever a fence has left undone.
        """
        session = self._session
        losses: list[tuple[Native, ...]] = []
        work = self._work(batches, losses)
        begun = clock.seconds()
        timing = clock.timed(work, session.sync)
        clocks = clock.seconds() - begun - timing.wall - timing.fence

        def read(step: tuple[Native, ...]) -> float:
            return sum(float(session.numpy(loss)) for loss in step)

        begun = clock.seconds()
        last = read(losses[-1])
        first_read = clock.seconds() - begun
        values = [*map(read, losses[:-1]), last]
        return TrainedWindow(
            timing=timing,
            losses=values,
            read=clock.seconds() - begun,
            first_read=first_read,
            clocks=clocks,
        )

    def _work(
        self, batches: list[HostBatch], losses: list[tuple[Native, ...]]
    ) -> Callable[[], None]:
        """What trains on the batches, and adds the losses of each step."""
        session = self._session
        if isinstance(session, OwnLoop):
            return self._loop(session, batches, losses)
        if self._staged_ahead:
            with self._account.spent("stage ahead"):
                staged: list[Batch] = [self._stage(batch) for batch in batches]
                session.sync()

            def step_staged() -> None:
                for batch in staged:
                    losses.append(session.step(batch))

            return step_staged

        def stage_and_step() -> None:
            for batch in batches:
                losses.append(session.step(self._stage(batch)))

        return stage_and_step

    def _stage(self, batch: HostBatch) -> Batch:
        if not self._is_whole:
            return self._session.stage(batch)
        if self._kept is None:
            self._kept = self._session.stage(batch)
        return self._kept

    def _joined(self, arrays: list[Array], name: str) -> Array:
        """A field of several batches as one array; of a matrix a view, as it is in each example."""
        if name in self._matrices:
            return np.broadcast_to(arrays[0][:1], (sum(map(len, arrays)), *arrays[0].shape[1:]))
        return np.concatenate(arrays)

    def _loop(
        self, session: OwnLoop, batches: list[HostBatch], losses: list[tuple[Native, ...]]
    ) -> Callable[[], None]:
        """The same by the session's own loop.

        The result raises WrongError if that took another number of steps than there are batches.
        """
        with self._account.spent("lay out batches"):
            examples = batches[0]
            if len(batches) > 1:  # of a warm-up
                examples = {
                    name: self._joined([b[name] for b in batches], name) for name in examples
                }
        steps = len(next(iter(examples.values()))) // self._size
        if self._staged_ahead:
            with self._account.spent("stage ahead"):
                examples = dict(zip(examples, session.stage(examples), strict=True))
                session.sync()

        def train() -> None:
            losses.extend(session.train(examples, self._size))
            if len(losses) != steps:
                raise WrongError(
                    f"not the same task: its loop took {len(losses)} steps in place of {steps}"
                )

        return train


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """The outcome of a warm-up: `pace` is that of its best recent window, in seconds per step."""

    steps: int
    seconds: float
    pace: float
    steady: bool


def warm_up(
    trainer: Trainer, supply: Iterator[HostBatch], job: Job, account: clock.Account
) -> WarmUp:
    """Train until the pace is steady or `job.warmup` seconds have passed, in windows or not."""
    begun = clock.seconds()
    intended = trainer.seconds(job.window, LOOP_WARM_UP_WINDOW)
    steps, seconds, count = 0, 0.0, 1
    paces: list[float] = []
    while True:
        with account.spent("lay out batches"):
            batches = list(islice(supply, count))
        window = trainer.window(batches)
        account.by_purpose["around warm-up"] += window.around
        steps, seconds = steps + count, seconds + window.timing.wall
        paces.append(window.timing.wall / count)
        last = paces[-STEADY_WINDOWS:]
        steady = len(last) == STEADY_WINDOWS and max(last) <= STEADY_SPREAD * min(last)
        if (steady and seconds >= 2 * job.window) or clock.seconds() - begun >= job.warmup:
            return WarmUp(steps=steps, seconds=seconds, pace=min(last), steady=steady)
        count = max(1, min(WARMUP_BATCHES, round(intended / paces[-1])))


@dataclass(frozen=True, kw_only=True)
class ReadySession:
    """A session after its warm-up, and how long getting there took.

    `train` is laid out as it is timed; `train_with_noise` is the same with what the framework draws
    itself. `weights` are the canonical initial ones, which training starts from once they are
    loaded again. `account` has all seconds so far that have no field of their own.
    """

    session: Session
    trainer: Trainer
    train: Split
    train_with_noise: Split
    weights: dict[str, Array]
    build_seconds: float
    first_step_seconds: float
    warm_up: WarmUp
    account: clock.Account


def make_ready(
    job: Job, task: Task, adapter: Adapter, *, listener: Listener, account: clock.Account
) -> ReadySession:
    """Build the job's session, take its first step, and warm it up. The process is set up."""
    listener.phase(str(job.cell), "build")
    watch = clock.Stopwatch()
    session = adapter.open(task, mode=job.cell.mode, setting=job.cell.setting, seed=job.seed)
    weights = initial_weights(task, job.seed, job.weights_file)
    session.load(weights)
    session.sync()
    build_seconds = watch.read().wall

    with account.spent("lay out batches"):
        limit = job.budget.train_examples
        train_with_noise = Split(Path(job.data), "train", task, session.format, limit)
        train = train_with_noise.without_noise()
        supply = cycle(train.batch(rows) for rows in train.epoch(job.seed, 0)[:WARMUP_BATCHES])
        first = next(supply)
    trainer = Trainer(session, job.cell.feed, account, task)

    listener.phase(str(job.cell), "first step")
    first_step = trainer.window([first])
    account.by_purpose["around warm-up"] += first_step.around

    listener.phase(str(job.cell), "warm-up")
    return ReadySession(
        session=session,
        trainer=trainer,
        train=train,
        train_with_noise=train_with_noise,
        weights=weights,
        build_seconds=build_seconds,
        first_step_seconds=first_step.timing.wall,
        warm_up=warm_up(trainer, supply, job, account),
        account=account,
    )
