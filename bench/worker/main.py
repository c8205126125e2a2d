"""The process of one framework: it reads a job, does it, and reports the result.

Messages go to the runner as JSON lines on a pipe of their own, so that a library that prints cannot
corrupt them: `{"event": "phase", "subject": ..., "name": ...}` and the other calls of a `Listener`,
and last `{"event": "result", ...}` with the outcome. Jobs of two kinds are conversations: one that
is measured waits for its turns (see `bench.worker.own_turns`), and `steps` are timed on demand (see
`bench.worker.on_demand`).
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.core import errors, plugins
from bench.core.adapter import Adapter
from bench.core.dataset_info import DatasetInfo
from bench.core.framework_name import framework_of, is_version
from bench.core.listener import Listener
from bench.core.measurement import measurement_fields
from bench.core.pictures import picture_fields
from bench.core.record import Job, JobKind, Status
from bench.core.task import Task
from bench.worker import execution, late_replay, machine_rates, on_demand, trace, training
from bench.worker.clock import Account, Stopwatch, watch_gpu
from bench.worker.own_turns import Turns
from bench.worker.proof_job import ProofJob

# Progress is sent between windows, outside the clock, and no more often than a person can read.
_PROGRESS_INTERVAL = 0.5

_STATUSES: dict[type[Exception], Status] = {
    errors.UnsupportedError: "unsupported",
    errors.WrongError: "wrong",
    errors.DivergedError: "diverged",
}


class Channel(Listener):
    """The pipe to the runner. Calls of this listener are passed on to the runner's listener."""

    def __init__(self, descriptor: int) -> None:
        # Helpers that a framework starts must not hold it open when this process is gone.
        os.set_inheritable(descriptor, False)
        self._pipe = os.fdopen(descriptor, "w", encoding="utf-8")
        self._sent = 0.0

    def send(self, event: str, **fields: Any) -> None:
        self._pipe.write(json.dumps({"event": event, **fields}) + "\n")
        self._pipe.flush()

    def phase(self, subject: str, name: str) -> None:
        self.send("phase", subject=subject, name=name)

    def progress(self, subject: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._sent >= _PROGRESS_INTERVAL:
            self._sent = now
            self.send("progress", subject=subject, done=done, total=total)

    def finished(self, subject: str, outcome: str) -> None:
        self.send("finished", subject=subject, outcome=outcome)


def import_framework(framework: str) -> tuple[Adapter, float]:
    """The framework's adapter, and the seconds that importing it took.

    Raises UnsupportedError if there is no such framework.
    """
    name = plugins.adapter_module(framework_of(framework))
    if name is None:
        raise errors.UnsupportedError(f"there is no framework {framework}")
    watch = Stopwatch()
    module = importlib.import_module(name)
    seconds = watch.read().wall
    adapter: Adapter = module.ADAPTER
    return adapter, seconds


def load_task(name: str) -> Task:
    """A task by name. Raises UnsupportedError if there is none."""
    module = plugins.module_of("tasks", name.replace("-", "_"))
    if module is None:
        raise errors.UnsupportedError(f"there is no task {name}")
    task: Task = importlib.import_module(module).TASK
    return task


def train(
    job: Job, channel: Channel, *, kind: JobKind, compiles: bool, late: str
) -> dict[str, Any]:
    """Train and time one cell, whose mode `compiles`; `late` is for a trace of its end, or "".

    Returns the outcome as fields of a Record.
    """
    cell = job.cell
    dataset = DatasetInfo.read(Path(job.data))
    channel.phase(str(cell), "import")
    if cell.device == "cuda":
        watch_gpu()
    adapter, import_seconds = import_framework(cell.framework)
    account = Account()
    with account.spent("set up"):
        adapter.set_up(cell.setting)
        versions = adapter.versions(cell.device)
    context = {"versions": versions, "dataset": dataclasses.asdict(dataset)}
    task = job.as_trained(load_task(cell.task))
    check_execution = partial(execution.check, adapter=adapter, mode=cell.mode, compiles=compiles)
    try:
        if kind == "steps":
            on_demand.answer(
                job,
                task,
                adapter,
                requests=sys.stdin,
                listener=channel,
                send=channel.send,
                context=context,
                check_execution=check_execution,
            )
            return {**context, "status": "ok"}
        measurement, pictures = training.measure(
            job,
            task,
            adapter,
            turns=Turns(sys.stdin, channel.send),
            listener=channel,
            account=account,
            import_seconds=import_seconds,
            check_execution=check_execution,
            late=Path(late) if late else None,
        )
    except errors.FramebenchError as error:
        return {**context, **failure(error, cell.framework)}
    return {
        **context,
        "status": "ok",
        "measurement": measurement_fields(measurement),
        "pictures": [picture_fields(picture) for picture in pictures],
    }


def prove(job: ProofJob, channel: Channel) -> dict[str, Any]:
    """Trace tasks. Returns a status for each, with the reason if it could not be traced."""
    channel.phase(str(job), "import")
    adapter, _ = import_framework(job.framework)
    adapter.set_up(job.setting)
    tasks: dict[str, Task] = {}
    failures: dict[str, Exception | SystemExit | None] = {}
    for name in job.data:
        try:
            tasks[name] = load_task(name)
        except (Exception, SystemExit) as error:  # a plug-in's task may do anything
            failures[name] = error
    loaded = dataclasses.replace(job, data={name: job.data[name] for name in tasks})
    failures |= trace.prove(loaded, tasks, adapter, channel)
    return {
        "status": "ok",
        "versions": adapter.versions(job.setting.device),
        "traced": _traced(failures, job.framework),
    }


def replay(job: late_replay.ReplayJob, channel: Channel) -> dict[str, Any]:
    """Replay late traces. Returns a status for each, with the reason if it was not replayed."""
    adapter, _ = import_framework(job.framework)
    adapter.set_up(job.setting)
    tasks = {name: ended.as_trained(load_task(ended.cell.task)) for name, ended in job.jobs.items()}
    failures = late_replay.replay(job, tasks, adapter, channel)
    return {"status": "ok", "traced": _traced(failures, job.framework)}


def _traced(
    failures: Mapping[str, Exception | SystemExit | None], framework: str
) -> dict[str, Any]:
    return {
        name: {"status": "ok"} if error is None else failure(error, framework)
        for name, error in failures.items()
    }


def measure_rates(job: machine_rates.RatesJob, channel: Channel) -> dict[str, Any]:
    """Measure the best that the framework reaches on this machine."""
    channel.phase(str(job), "import")
    adapter, _ = import_framework(job.framework)
    adapter.set_up(job.setting)
    channel.phase(str(job), "measure the machine")
    return {"status": "ok", **machine_rates.measure(adapter, job.setting)}


def failure(error: Exception | SystemExit, framework: str) -> dict[str, Any]:
    """Status and reason of a job of a framework that an exception ended.

    Another version than the adapter was written for may lack a name, or an argument.
    """
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return {"status": status, "reason": str(error)}
    traceback.print_exception(error)
    text = " ".join(str(error).split()) or "no message"
    if is_version(framework) and _lacks_a_name(error):
        reason = f"the adapter does not fit this version: {text[:500]}"
        return {"status": "unsupported", "reason": reason}
    return {"status": "failed", "reason": f"{type(error).__name__}: {text[:500]}"}


def _lacks_a_name(error: BaseException) -> bool:
    """Whether an exception is about a module, an attribute or an argument that there is not."""
    unknown = isinstance(error, TypeError) and "argument" in str(error)
    return unknown or isinstance(error, (ImportError, AttributeError))


def main(descriptor: int) -> None:
    """Do the job on standard input's first line. Write messages and the result to `descriptor`."""
    channel, framework = Channel(descriptor), ""
    try:
        job = json.loads(sys.stdin.readline())
        kind = job.pop("kind")
        framework = job["cell"]["framework"] if "cell" in job else job["framework"]
        if kind == "prove":
            fields = prove(ProofJob.from_fields(job), channel)
        elif kind == "replay":
            fields = replay(late_replay.ReplayJob.from_fields(job), channel)
        elif kind == "rates":
            fields = measure_rates(machine_rates.RatesJob.from_fields(job), channel)
        else:
            compiles, late = job.pop("compiles"), job.pop("late")
            fields = train(Job.from_fields(job), channel, kind=kind, compiles=compiles, late=late)
    except (Exception, SystemExit) as error:
        fields = failure(error, framework)
    channel.send("result", **fields)
    sys.stdout.flush()
    sys.stderr.flush()
    # A framework's own teardown can take seconds, and there is nothing left to save.
    os._exit(0)
