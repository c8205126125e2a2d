"""A worker that trains as many steps as it is asked for, and tells how long they took.

The other side is `bench.worker.on_demand`.

For whoever decides as he goes how much to time, which a run does not: a run's jobs are planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from bench.core.record import Job, Status
from bench.launch import worker_process
from bench.launch.worker_process import WorkerSpec
from bench.worker.clock import Timed


class JobEndedError(Exception):
    """A job ended before it was asked to: its status is one of a record's, the text says why."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Steps:
    """One cell at a steady pace.

    `window_steps` fill a window of the job's length; `versions` and `dataset` are as in a Record.
    """

    def __init__(self, requests: IO[bytes], told: Iterator[dict[str, Any]]) -> None:
        """Returns when the worker is ready. Raises JobEndedError if it will not be."""
        self._requests = requests
        self._told = told
        ready = self._next("ready")
        self.window_steps: int = ready["window_steps"]
        self.versions: dict[str, str] = ready["versions"]
        self.dataset: dict[str, Any] = ready["dataset"]

    def take(self, count: int) -> Timed:
        """Train `count` steps in one window. Raises JobEndedError if the job ends instead."""
        _say(self._requests, str(count))
        answer = self._next("window")
        return Timed(**{key: value for key, value in answer.items() if key != "event"})

    def _next(self, event: str) -> dict[str, Any]:
        for message in self._told:
            if message["event"] == event:
                return message
            if message["event"] == "result":
                raise JobEndedError(message["status"], message.get("reason", ""))
        raise AssertionError("a worker's messages end with its result, or in an error")


def _say(requests: IO[bytes], line: str) -> None:
    # A worker that is gone is told by its exit, not by a broken pipe.
    with suppress(BrokenPipeError):
        requests.write(line.encode() + b"\n")
        requests.flush()


@contextmanager
def start(job: Job, spec: WorkerSpec) -> Iterator[Steps]:
    """Bring a job's cell to a steady pace in a fresh process, which is gone when this is done.

    Here and in what follows, a worker that is silent for too long and a worker that dies raise
    JobEndedError like any other end.
    """
    try:
        with worker_process.worker(spec) as (requests, told):
            _say(requests, job.to_json(kind="steps"))
            yield Steps(requests, told)
    except TimeoutError:
        raise JobEndedError("timeout", f"no sign of life for {spec.timeout:g} s, killed") from None
    except worker_process.WorkerDiedError as error:
        raise JobEndedError("crashed", str(error)) from None
