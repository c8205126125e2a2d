"""Training steps timed one window at a time, as many and as often as the other side asks for.

Once the session is at a steady pace the worker says `{"event": "ready", "window_steps": ...}`, with
the steps that fill a window of the job's length. Each line that it is sent then is a number of
steps; it is answered, when they are done, by `{"event": "window", ...}` with the fields of
`clock.Timed`. The pipe is outside the fences. The end of its input ends the job.
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
from bench.core.split import Split
from bench.core.task import Task
from bench.worker.steady_pace import HostBatch, make_ready


def _batches(train: Split, seed: int) -> Iterator[HostBatch]:
    """The batches of one epoch after another, laid out as they are taken."""
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
    known: Mapping[str, Any],
) -> None:
    """Train as many steps as each line of `requests` says. `send` takes an event and its fields.

    `known` is sent with what is ready.

    Raises DivergedError when the loss is no longer finite.
    """
    ready = make_ready(job, task, adapter, listener)
    ready.session.load(ready.weights)
    supply = _batches(ready.train, job.seed)
    send("ready", window_steps=max(1, round(job.window / ready.warm_up.pace)), **known)
    for request in requests:
        took, losses = ready.trainer.window(list(islice(supply, int(request))))
        if not math.isfinite(sum(losses)):
            raise DivergedError(f"training loss {sum(losses) / len(losses)}")
        send("window", **dataclasses.asdict(took))
    ready.session.close()
