"""Start a worker, follow its messages, stop it if it hangs, and make a record of the outcome.

While a worker measures, this process sleeps and wakes only for the worker's messages.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import msgspec

from bench import tasks
from bench.core import plugins
from bench.core.listener import Listener
from bench.core.record import Job, Record, Status
from bench.core.setting import Setting
from bench.launch import catalogue, gpu_state, machine, memory_limit, picture_files
from bench.launch.conversation import Conversation, JobEndedError
from bench.launch.framework import Framework
from bench.launch.gpu_sampling import SamplingListener
from bench.launch.memory_limit import MemoryLimit
from bench.launch.phase_clock import PhaseClock
from bench.launch.virtual_environments import Environment
from bench.launch.worker_messages import (
    Call,
    MeasuredResult,
    Message,
    Outcome,
    Waiting,
)
from bench.system import children

LAUNCH = catalogue.TREE / "bench" / "worker" / "launch.py"

# What a worker inherits besides the variables of every child: the GPUs, and their order.
INHERITED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME")
# Where programs keep files from one process to the next: compiled programs, settings, samples. In a
# worker it is a folder of its own, so that a first step does not depend on earlier workers. The
# variables that name single caches are not inherited, and without them all are in one of these.
KEPT = ("HOME", "TMPDIR")
# Seconds for a job that is alive and does not end.
TIME_LIMIT = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """What is needed to start a worker.

    Everything that the worker prints goes to `log`. It is killed if it sends no message for
    `timeout` seconds, if it is not done after `time_limit` seconds, and if it takes more than
    `memory` bytes (None: what the machine has, less a gibibyte).
    """

    framework: Framework
    environment: Environment
    setting: Setting
    log: Path
    timeout: float
    time_limit: float = TIME_LIMIT
    memory: int | None = None


def make_record(
    job: Job,
    status: Status,
    reason: str = "",
    *,
    started: datetime | None = None,
    seconds: float = 0.0,
    **findings: Any,
) -> Record:
    """The record of a job that started when it says, or now, and ran for so many seconds.

    `findings` are further fields of the record.
    """
    started = started or datetime.now(timezone.utc)
    return Record(
        job=replace(job, data=Path(job.data).name, weights_file=""),
        batch=job.cell.batch or tasks.load(job.cell.task).batch,
        status=status,
        reason=reason,
        source_digest=catalogue.source_digest(catalogue.load(job.cell.framework)),
        started=started.isoformat(timespec="seconds"),
        wall_seconds=round(seconds, 3),
        node=machine.node_name(),
        **findings,
    )


Returned = TypeVar("Returned")
# A job on its way: it yields whenever it waits for its turn, is sent the seconds of the turn, and
# returns what came of it.
JobInTurns = Generator[Waiting, float, Returned]


def run_job(
    job: Job, spec: WorkerSpec, *, pictures: Path, listener: Listener, late: Path | None = None
) -> JobInTurns[Record]:
    """Run a job in a fresh process, in turns, and have its end traced to `late`, if there is one.

    What pictures it makes are kept in the folder `pictures`, by the name of its log. Returns a
    record whatever happens to the worker.
    """
    started = datetime.now(timezone.utc)
    with gpu_state.watched() if job.cell.device == "cuda" else nullcontext() as watch:
        clock = PhaseClock(SamplingListener(listener, watch) if watch else listener)
        compiles = spec.framework.compiles(job.cell.mode)
        payload = job.to_json(compiles=compiles, late=str(late or ""))
        answer = yield from _answer(payload, spec, MeasuredResult, clock)
        use = watch.use() if watch else None
    told: dict[str, Any] = {
        "started": started,
        "seconds": clock.total,
        "phases": clock.seconds,
        "gpu": use,
    }
    if isinstance(answer, Ended):
        reason = f"{answer.reason}; see {spec.log.name}" * (answer.status == "timeout")
        return make_record(job, answer.status, reason or answer.reason, **told)
    measurement = answer.measurement
    if measurement:
        kept = picture_files.keep(answer.pictures, pictures, spec.log.stem)
        measurement = replace(measurement, pictures=kept)
    return make_record(
        job,
        answer.status,
        answer.reason,
        measurement=measurement,
        versions=answer.versions,
        dataset=answer.dataset,
        **told,
    )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job ended that has no result."""

    status: Status
    reason: str


def ask(
    payload: str, spec: WorkerSpec, result: type[Outcome], *, listener: Listener
) -> Outcome | Ended:
    """Have a worker do a job that takes no turns, and return its result, or how it ended."""
    answers = _answer(payload, spec, result, PhaseClock(listener))
    try:
        next(answers)
    except StopIteration as end:
        answer: Outcome | Ended = end.value
        return answer
    raise AssertionError("only jobs that are measured take turns")


def _answer(
    payload: str, spec: WorkerSpec, result: type[Outcome], clock: PhaseClock
) -> JobInTurns[Outcome | Ended]:
    """Have a worker do a job, while `clock` listens to it.

    Returns how it ended if there is no result, whatever happened to the worker.
    """
    try:
        with worker(spec, result) as running:
            running.send(payload)
            for message in running.messages:
                if isinstance(message, Call):
                    message.pass_on(clock)
                elif isinstance(message, Waiting):
                    with running.stopped(), clock.paused():
                        seconds = yield message
                    running.send(repr(seconds))
                elif isinstance(message, result):
                    clock.stop()  # before the worker is gone
                    if message.status == "failed":
                        reason = running.memory.explained(message.reason)
                        return msgspec.structs.replace(message, reason=reason)
                    return message
        raise AssertionError("a conversation ends with its result, or in an error")
    except JobEndedError as error:
        return Ended(status=error.status, reason=str(error))
    except OSError as error:
        return Ended(status="failed", reason=f"no worker could be started: {error}")
    finally:
        clock.stop()  # also where there was no result


def variables(framework: Framework, setting: Setting, *, scratch: Path) -> dict[str, str]:
    """All environment variables of a worker: those it inherits, and its framework's own.

    `scratch` is the folder in which the worker works and leaves its files.
    """
    own = framework.variables(setting, scratch=scratch, vendor=machine.cpu_vendor())
    return children.inherited(*INHERITED) | dict.fromkeys(KEPT, str(scratch)) | own


def _plugins() -> str:
    """The packages of plug-ins, as `bench.worker.launch` reads them."""
    found = [(found.group, found.package, str(found.folder)) for found in plugins.plugins()]
    return json.dumps(found)


@dataclass(frozen=True, kw_only=True)
class Running(Generic[Outcome]):
    """A running worker, which leads a process group: its standard input, and its messages."""

    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    messages: Iterator[Message]
    memory: MemoryLimit

    def send(self, line: str) -> None:
        """Write a line to the worker; one that is gone is noticed by its exit, not by this."""
        with suppress(BrokenPipeError):
            self.requests.write(line.encode() + b"\n")
            self.requests.flush()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The worker is stopped within this block, threads that wait in a loop included."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker and all that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


@contextmanager
def worker(spec: WorkerSpec, result: type[Outcome]) -> Iterator[Running[Outcome]]:
    """A running worker, which is gone afterwards, with all that it has started.

    Raises JobEndedError if it ends without a result, for whatever reason.
    """
    command = (spec.environment.python, "-I", LAUNCH)
    with (
        tempfile.TemporaryDirectory(prefix="framebench-", ignore_cleanup_errors=True) as scratch,
        spec.log.open("wb") as printed,
        memory_limit.held(spec.memory, spec.setting.device) as memory,
        _pipe() as (reading, writing),
        children.started(
            [*map(str, command), str(writing.fileno()), _plugins(), *spec.environment.path],
            env=variables(spec.framework, spec.setting, scratch=Path(scratch)),
            data_limit=memory.data,
            group=memory.group,
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=(writing.fileno(),),
            cwd=scratch,
        ) as process,
    ):
        writing.close()
        assert process.stdin
        conversation = Conversation(
            process,
            reading.fileno(),
            result,
            log=spec.log,
            silence=spec.timeout,
            limit=spec.time_limit,
        )
        try:
            yield Running(
                process=process,
                requests=process.stdin,
                messages=iter(conversation),
                memory=memory,
            )
        except JobEndedError as error:
            raise JobEndedError(error.status, memory.explained(str(error))) from None
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()


@contextmanager
def _pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Both ends of a pipe, to read from and to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as outlet, os.fdopen(writing, "wb", 0) as inlet:
        yield outlet, inlet
