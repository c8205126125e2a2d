"""A worker that trains as many steps as requested and reports how long they took.

For callers that decide step by step how much to time, such as pytest-benchmark; the jobs of a run
are planned instead. `bench.worker.on_demand` is the worker's side.
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
    """A job ended before its caller ended it: `status` is a record's, the text says why."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Steps:
    """A cell that trains at a steady pace.

    `window_steps` is the number of steps that fill a window of the job's length; `versions` and
    `dataset` are as in a Record.
    """

    def __init__(self, requests: IO[bytes], answers: Iterator[dict[str, Any]]) -> None:
        """Waits until the worker is ready. Raises JobEndedError if the job ends before that."""
        self._requests = requests
        self._answers = answers
        ready = self._next("ready")
        self.window_steps: int = ready["window_steps"]
        self.versions: dict[str, str] = ready["versions"]
        self.dataset: dict[str, Any] = ready["dataset"]

    def take(self, count: int) -> Timed:
        """Train `count` steps in one window. Raises JobEndedError if the job ends before that."""
        _send(self._requests, str(count))
        answer = self._next("window")
        return Timed(**{key: value for key, value in answer.items() if key != "event"})

    def _next(self, event: str) -> dict[str, Any]:
        for message in self._answers:
            if message["event"] == event:
                return message
            if message["event"] == "result":
                raise JobEndedError(message["status"], message.get("reason", ""))
        raise AssertionError("a worker's messages end with its result, or in an error")


def _send(requests: IO[bytes], line: str) -> None:
    # A worker that is gone is noticed by its exit, not by a broken pipe.
    with suppress(BrokenPipeError):
        requests.write(line.encode() + b"\n")
        requests.flush()


@contextmanager
def start(job: Job, spec: WorkerSpec) -> Iterator[Steps]:
    """Bring a job's cell to a steady pace in a fresh process, which is gone afterwards.

    A worker that dies, or is silent for too long, raises JobEndedError, here and in `Steps.take`.
    """
    try:
        with worker_process.worker(spec) as (requests, answers):
            _send(requests, job.to_json(kind="steps"))
            yield Steps(requests, answers)
    except TimeoutError:
        raise JobEndedError("timeout", f"no sign of life for {spec.timeout:g} s, killed") from None
    except worker_process.WorkerDiedError as error:
        raise JobEndedError("crashed", str(error)) from None
