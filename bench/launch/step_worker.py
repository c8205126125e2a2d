"""A worker that trains as many steps as requested and reports how long they took.

For callers that decide step by step how much to time, such as pytest-benchmark; the jobs of a run
are planned instead. `bench.worker.on_demand` is the worker's side.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from msgspec import structs

from bench.core.record import Job
from bench.launch import worker_process
from bench.launch.conversation import JobEndedError
from bench.launch.worker_messages import Message, Ready, Result, TimedWindow
from bench.launch.worker_process import Running, WorkerSpec
from bench.worker.clock import Timed

Answer = TypeVar("Answer", Ready, TimedWindow)


class Steps:
    """A cell that trains at a steady pace.

    `window_steps` is the number of steps that fill a window of the job's length; `versions` and
    `dataset` are as in a Record.
    """

    def __init__(self, running: Running[Result]) -> None:
        """Waits until the worker is ready. Raises JobEndedError if the job ends before that."""
        self._running = running
        ready = self._next(Ready)
        self.window_steps = ready.window_steps
        self.versions = ready.versions
        self.dataset = ready.dataset

    def take(self, count: int) -> Timed:
        """Train `count` steps in one window. Raises JobEndedError if the job ends before that."""
        self._running.send(str(count))
        return Timed(**structs.asdict(self._next(TimedWindow)))

    def _next(self, kind: type[Answer]) -> Answer:
        message: Message
        for message in self._running.messages:
            if isinstance(message, kind):
                return message
            if isinstance(message, Result):
                raise JobEndedError(message.status, message.reason)
        raise AssertionError("a worker's messages end with its result, or in an error")


@contextmanager
def start(job: Job, spec: WorkerSpec) -> Iterator[Steps]:
    """Bring a job's cell to a steady pace in a fresh process, which is gone afterwards.

    A worker that dies, or is silent for too long, raises JobEndedError, here and in `Steps.take`.
    """
    with worker_process.worker(spec, Result) as running:
        compiles = spec.framework.compiles(job.cell.mode)
        running.send(job.to_json(kind="steps", compiles=compiles))
        yield Steps(running)
