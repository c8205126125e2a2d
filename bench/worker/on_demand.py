"""Training steps timed on demand, one window at a time.

The other side is `bench.launch.step_worker`. Once the session has a steady pace, the worker sends
`{"event": "ready", "window_steps": ...}`, with the number of steps that fill a window of the job's
length. Each line of its input is then a number of steps. When they are done, it answers with
`{"event": "window", ...}` and the fields of `clock.Timed`. Messages are sent outside the fences.
The job ends with its input.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, islice
from typing import Any

from bench.core.adapter import Adapter
from bench.core.errors import DivergedError
from bench.core.listener import Listener
from bench.core.record import Job
from bench.core.split import HostBatch, Split
from bench.core.task import Task
from bench.worker import clock
from bench.worker.execution import ExecutionCheck
from bench.worker.steady_pace import make_ready


def _batches(train: Split, seed: int) -> Iterator[HostBatch]:
    """The batches of every epoch in turn, each laid out when it is taken."""
    for epoch in count():
        yield from (train.batch(rows) for rows in train.epoch(seed, epoch))


def answer(
    job: Job,
    task: Task,
    adapter: Adapter,
    *,
    requests: Iterable[str],
    listener: Listener,
    send: Callable[..., None],
    context: Mapping[str, Any],
    check_execution: ExecutionCheck,
) -> None:
    """Train as many steps as each line of `requests` asks for.

    `send` takes an event and its fields; `context` is sent along with "ready". Raises DivergedError
    when the loss is no longer finite, and what `check_execution` raises of a session that is ready.
    """
    ready = make_ready(job, task, adapter, listener=listener, account=clock.Account())
    check_execution(ready.session)
    ready.session.load(ready.weights)
    supply = _batches(ready.train, job.seed)
    send("ready", window_steps=max(1, round(job.window / ready.warm_up.pace)), **context)
    for request in requests:
        window = ready.trainer.window(list(islice(supply, int(request))))
        total = sum(window.losses)
        if not math.isfinite(total):
            raise DivergedError(f"training loss {total / len(window.losses)}")
        send("window", **dataclasses.asdict(window.timing))
    ready.session.close()
