"""The process that holds one framework: reads a Job, trains, measures, and reports.

Messages go to the runner as JSON lines on a pipe of their own, so that a library that prints cannot
corrupt them: `{"event": "phase", "name": ...}`, `{"event": "progress", "done": ..., "total": ...}`,
and last `{"event": "result", ...}` with the fields of a Record that the worker knows.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from bench.core import errors, training
from bench.core.adapter import Adapter
from bench.core.clock import Stopwatch
from bench.core.data import DatasetInfo
from bench.core.record import Job, Status
from bench.core.task import Task

# Progress is told between windows, outside the clock, and not more often than a person can read.
_PROGRESS_INTERVAL = 0.5

_STATUSES: dict[type[Exception], Status] = {
    errors.UnsupportedError: "unsupported",
    errors.WrongError: "wrong",
    errors.DivergedError: "diverged",
}


class Channel:
    """The pipe to the runner."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "w", encoding="utf-8")
        self._told = 0.0

    def send(self, event: str, **fields: Any) -> None:
        self._pipe.write(json.dumps({"event": event, **fields}) + "\n")
        self._pipe.flush()

    def phase(self, name: str) -> None:
        self.send("phase", name=name)

    def progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._told >= _PROGRESS_INTERVAL:
            self._told = now
            self.send("progress", done=done, total=total)


def import_framework(framework: str) -> tuple[Adapter, float]:
    """The framework's adapter, and the seconds that importing it took."""
    watch = Stopwatch()
    module = importlib.import_module(f"frameworks.{framework}.adapter")
    seconds = watch.read().wall
    adapter: Adapter = module.ADAPTER
    return adapter, seconds


def task_of(job: Job) -> Task:
    """The job's task, its sequences shortened as its budget says."""
    task: Task = importlib.import_module(f"bench.tasks.{job.cell.task.replace('-', '_')}").TASK
    return task.with_length(job.budget.length) if job.budget.length else task


def run(job: Job, channel: Channel) -> dict[str, Any]:
    """Everything that a job asks for, as fields of a Record."""
    dataset = DatasetInfo.read(Path(job.data))
    channel.phase("import")
    adapter, import_seconds = import_framework(job.cell.framework)
    adapter.configure(
        device=job.cell.device,
        threads=job.cell.threads,
        seed=job.seed,
        precision=job.cell.precision,
    )
    known = {"versions": adapter.versions(), "dataset": dataclasses.asdict(dataset)}
    try:
        measurement = training.measure(
            job, task_of(job), adapter, channel=channel, import_seconds=import_seconds
        )
    except errors.FramebenchError as error:
        return {**known, **failure(error)}
    return {**known, "status": "ok", "measurement": dataclasses.asdict(measurement)}


def failure(error: Exception) -> dict[str, Any]:
    """Status and reason of a job that an exception ended."""
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return {"status": status, "reason": str(error)}
    text = " ".join(str(error).split()) or "no message"
    return {"status": "failed", "reason": f"{type(error).__name__}: {text[:500]}"}


def main(descriptor: int) -> None:
    """Do the job that is on standard input, and tell the pipe `descriptor` what came of it."""
    channel = Channel(descriptor)
    try:
        fields = run(Job.from_json(sys.stdin.read()), channel)
    except Exception as error:
        traceback.print_exc()
        fields = failure(error)
    channel.send("result", **fields)
    sys.stdout.flush()
    sys.stderr.flush()
    # A framework's own teardown can take seconds, and nothing of ours is left to save.
    os._exit(0)
