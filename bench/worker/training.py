"""Train one task in one framework and measure it: the same loop for all.

The order: build, first step, warm up until steady, weights back to their canonical values, then the
budget's epochs in timed windows. After each epoch comes an evaluation, outside the windows. What is
trained after that, until enough seconds are timed, shows only the pace. All training is in turns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count as count_from
from pathlib import Path

import numpy as np

from bench.core.adapter import Adapter
from bench.core.arrays import digest
from bench.core.errors import DivergedError
from bench.core.listener import Listener
from bench.core.measurement import Evaluation, Measurement, Window, Windows
from bench.core.pictures import Picture
from bench.core.record import Job
from bench.core.split import Split
from bench.core.task import Task
from bench.worker import clock, cores, late_trace, sampling
from bench.worker.evaluation import compile_evaluation, evaluate, evaluation_batch
from bench.worker.execution import ExecutionCheck
from bench.worker.own_turns import Turns
from bench.worker.steady_pace import (
    LOOP_WINDOW,
    LOOP_WINDOWS,
    ReadySession,
    TrainedWindow,
    make_ready,
)

FIRST_LOSSES = 32
FEED_BATCHES = 16
FEED_TURNS = 3
# A process trains beyond its budget for so many times the least seconds at most.
MOST_BEYOND = 3
# Steps in a turn at least, so that a first step, which is not counted, costs little.
STEPS_IN_A_TURN = 4


def time_feeding(job: Job, task: Task, ready: ReadySession) -> float:
    """Seconds that staging a step's batch takes: the best of a few turns, as a turn is short.

    None are needed where the whole data set is staged before.
    """
    if task.whole:
        return 0.0
    session = ready.session
    with ready.account.spent("lay out batches"):
        last = ready.train.epoch(job.seed, job.budget.epochs - 1)
        batches = [ready.train.batch(rows) for rows in last[:FEED_BATCHES]]

    def work() -> None:
        staged = [session.stage(batch) for batch in batches]
        del staged

    with ready.account.spent("feed"):
        best = min(clock.timed(work, session.sync).wall for _ in range(FEED_TURNS))
    return best / len(batches)


def _total(energy: Sequence[float | None]) -> float | None:
    """The sum over all windows. None if the machine does not report one of them."""
    reported = [joules for joules in energy if joules is not None]
    return math.fsum(reported) if len(reported) == len(energy) else None


class TimedTraining:
    """Trains epochs in timed windows and in turns, and collects what each window took."""

    def __init__(self, job: Job, ready: ReadySession, turns: Turns, listener: Listener) -> None:
        self._job = job
        self._ready = ready
        self._turns = turns
        self._listener = listener
        self._total = job.budget.epochs * ready.train.steps
        self._least = ready.trainer.seconds(job.seconds, LOOP_WINDOWS * LOOP_WINDOW)
        self._expected = max(self._least, self._total * ready.warm_up.pace)
        self._elapsed = 0.0
        self._seconds = 0.0  # without the first window of each turn
        self._beyond = 0.0  # since the budget was trained, with all that happened around windows
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

    def train_on(self) -> None:
        """Train beyond the budget until enough is timed. Raises DivergedError as `train` does.

        The runner is told once: epochs of a small data set take a millisecond, and a message for
        each would keep the worker from its windows wherever the runner is slow to read.
        """
        epochs = count_from(self._job.budget.epochs)
        if not self._timed_enough():
            self._listener.phase(str(self._job.cell), "train on")
        while not self._timed_enough():
            self.train(next(epochs))

    def train(self, epoch: int) -> None:
        """Train one epoch, or beyond the budget until enough is timed.

        Raises DivergedError when the loss is no longer finite.
        """
        split, turns, account = self._ready.train, self._turns, self._ready.account
        with account.spent("lay out batches"):
            left = split.epoch(self._job.seed, epoch)
        while len(left) and not (epoch >= self._job.budget.epochs and self._timed_enough()):
            if turns.over:
                self._wait()
            size = 1 if turns.fresh else self._window_size(len(left))
            with account.spent("lay out batches"):
                batches = self._ready.trainer.lay_out(split, left[:size])
                left = left[size:]
            self._add(epoch, self._ready.trainer.window(batches))
            if self.steps <= self._total:
                self._listener.progress(str(self._job.cell), self.steps, self._total)

    def _timed_enough(self) -> bool:
        # An adapter that leaves its work behind the fence times nearly nothing, and would go on.
        return self._seconds >= self._least or self._beyond >= MOST_BEYOND * self._least

    def _wait(self) -> None:
        """Wait for the next turn."""
        with self._ready.account.spent("close"):
            device_bytes = self._ready.session.peak_device_bytes()
        self._turns.wait(
            self._elapsed / self._expected,
            least=max(STEPS_IN_A_TURN * self._ready.warm_up.pace, self._ready.trainer.seconds(0.0)),
            device_bytes=device_bytes,
        )

    def _window_size(self, left: int) -> int:
        """Steps of the next window, so that those `left` make windows as even as possible."""
        seconds = self._ready.trainer.seconds(self._job.window)
        size = max(1, round(seconds / self._ready.warm_up.pace))
        return math.ceil(left / max(1, round(left / size)))

    def _add(self, epoch: int, window: TrainedWindow) -> None:
        timing, losses = window.timing, window.losses
        account = self._ready.account.by_purpose
        account["fence"] += timing.fence
        account["clocks"] += window.clocks
        self.steps += len(losses)
        mean = float(np.mean(losses))
        if not math.isfinite(mean):
            raise DivergedError(f"training loss {mean} within {self.steps} steps")
        self.first_losses += losses[: FIRST_LOSSES - len(self.first_losses)]
        taken = timing.wall + window.around
        self._elapsed += taken
        self._beyond += taken if epoch >= self._job.budget.epochs else 0.0
        self._seconds += 0.0 if self._turns.fresh else timing.wall
        self._turns.use(taken)
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
                read=window.read,
                first_read=window.first_read,
            )
        )
        self._joules.append(timing.joules)
        self._device_joules.append(timing.device_joules)


def _test_set(job: Job, task: Task, ready: ReadySession, listener: Listener) -> Split:
    """The test set, for which the session has compiled what it takes to evaluate."""
    with ready.account.spent("lay out batches"):
        limit = job.budget.test_examples
        test = Split(Path(job.data), "test", task, ready.session.format, limit)
    listener.phase(str(job.cell), "compile evaluation")
    with ready.account.spent("compile evaluation"):
        compile_evaluation(ready.session, test, task)
    return test


def _trained(
    job: Job,
    task: Task,
    ready: ReadySession,
    training: TimedTraining,
    test: Split,
    listener: Listener,
) -> Iterator[Evaluation]:
    """Train the job's budget. Yields the evaluation after each epoch."""
    for epoch in range(job.budget.epochs):
        listener.phase(str(job.cell), "train")
        training.train(epoch)
        listener.phase(str(job.cell), "evaluate")
        yield evaluate(ready.session, test, task, step=training.steps, account=ready.account)


def _trace_end(
    file: Path | None,
    ready: ReadySession,
    job: Job,
    task: Task,
    test: Split,
    training: TimedTraining,
    listener: Listener,
) -> None:
    """Trace the session's end to a file, if there is one."""
    if not file:
        return
    listener.phase(str(job.cell), "trace the end")
    with ready.account.spent("trace the end"):
        tested, _ = next(test.in_order(evaluation_batch(task)))
        late_trace.write(file, ready, job, task, steps=training.steps, tested=tested)


def measure(
    job: Job,
    task: Task,
    adapter: Adapter,
    *,
    turns: Turns,
    listener: Listener,
    account: clock.Account,
    import_seconds: float,
    check_execution: ExecutionCheck,
    late: Path | None,
) -> tuple[Measurement, tuple[Picture, ...]]:
    """Train the job's budget, and for `job.seconds` at least, and check how that was done.

    Returns what was measured, and the pictures of the sample. Its end is traced to the file `late`,
    if there is one. `account` has what was spent before this, and gets all the rest. Raises
    DivergedError when a loss is no longer finite, and what `check_execution` raises.
    """
    ready = make_ready(job, task, adapter, listener=listener, account=account)
    session = ready.session
    test = _test_set(job, task, ready, listener)
    with account.spent("load weights"):
        session.load(ready.weights)
    training = TimedTraining(job, ready, turns, listener)
    evaluations = list(_trained(job, task, ready, training, test, listener))
    evaluated = sampling.weights(job, task, ready)
    training.train_on()

    listener.phase(str(job.cell), "finish")
    with account.spent("close"):
        check_execution(session)
        peak_resident_bytes = clock.peak_resident_bytes()
        peak_device_bytes, parameter_count = session.peak_device_bytes(), session.parameter_count()
    feed_seconds = time_feeding(job, task, ready)
    _trace_end(late, ready, job, task, test, training, listener)
    written = sampling.write(evaluated, ready, job, task, test, listener)
    with account.spent("close"):
        session.close()
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
        peak_resident_bytes=peak_resident_bytes,
        peak_device_bytes=peak_device_bytes,
        weights_digest=digest(ready.weights),
        parameter_count=parameter_count,
        cores=cores.count().physical,
        feed_seconds=feed_seconds,
        joules=training.joules,
        device_joules=training.device_joules,
        other_seconds=dict[str, float](account.by_purpose.items()),
        sample=written.passages,
    )
    return measurement, written.pictures
