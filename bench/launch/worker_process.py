"""Start a worker, follow its messages, stop it if it hangs, and make a record of the outcome.

While a worker measures, this process sleeps in `select` and wakes only for the worker's messages.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import msgspec

from bench import tasks
from bench.core import plugins
from bench.core.listener import Listener
from bench.core.record import Job, Measurement, Record, Status
from bench.core.setting import Setting
from bench.launch import catalogue, gpu_state, machine
from bench.launch.framework import Framework
from bench.launch.virtual_environments import Environment

LAUNCH = catalogue.TREE / "bench" / "worker" / "launch.py"

# The environment variables that a worker inherits. All others are left out, so that the same is
# measured from any shell.
INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
)


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """What is needed to start a worker.

    Everything that the worker prints goes to `log`. It is killed if it sends no message for
    `timeout` seconds.
    """

    framework: Framework
    environment: Environment
    setting: Setting
    log: Path
    timeout: float


def make_record(
    job: Job, status: Status, reason: str = "", *, started: float | None = None, **findings: Any
) -> Record:
    """The record of a job that started at a Unix time, by default now.

    `findings` are further fields of the record.
    """
    start = time.time() if started is None else started
    return Record(
        job=replace(job, data=Path(job.data).name),
        batch=job.cell.batch or tasks.load(job.cell.task).batch,
        status=status,
        reason=reason,
        source_digest=catalogue.source_digest(catalogue.load(job.cell.framework)),
        started=datetime.fromtimestamp(start, timezone.utc).isoformat(timespec="seconds"),
        wall_seconds=round(time.time() - start, 3),
        **findings,
    )


def run_job(job: Job, spec: WorkerSpec, *, listener: Listener) -> Record:
    """Run a job in a fresh process. Returns a record whatever happens to the worker."""
    started = time.time()
    with gpu_state.watched() if job.cell.device == "cuda" else nullcontext() as watch:
        result = ask(
            job.to_json(),
            spec,
            listener=_SamplingListener(listener, watch) if watch else listener,
        )
        use = watch.use() if watch else None
    if result["status"] == "timeout":
        result["reason"] += f"; see {spec.log.name}"
    measurement = result.pop("measurement", None)
    return make_record(
        job,
        result.pop("status"),
        result.pop("reason", ""),
        started=started,
        measurement=measurement and msgspec.convert(measurement, Measurement),
        gpu=use,
        **result,
    )


class _SamplingListener(Listener):
    """Samples the GPU whenever a worker reports progress, which it does between windows."""

    def __init__(self, listener: Listener, watch: gpu_state.Watch) -> None:
        self._listener = listener
        self._watch = watch

    def phase(self, subject: str, name: str) -> None:
        self._listener.phase(subject, name)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._watch.sample(_live)
        self._listener.progress(subject, done, total)

    def finished(self, subject: str, outcome: str) -> None:
        self._listener.finished(subject, outcome)


def _pass_on(message: Mapping[str, Any], listener: Listener) -> None:
    if message["event"] == "phase":
        listener.phase(message["subject"], message["name"])
    elif message["event"] == "progress":
        listener.progress(message["subject"], message["done"], message["total"])
    elif message["event"] == "finished":
        listener.finished(message["subject"], message["outcome"])


def ask(payload: str, spec: WorkerSpec, *, listener: Listener) -> dict[str, Any]:
    """Have a worker do a job, and return its result; `listener` gets the messages before that.

    Whatever happens to the worker, the result has a `status`, and a `reason` if it is not ok.
    """
    message: dict[str, Any] = {}
    try:
        for message in messages(payload, spec):
            _pass_on(message, listener)
    except TimeoutError:
        return {"status": "timeout", "reason": f"no sign of life for {spec.timeout:g} s, killed"}
    except WorkerDiedError as error:
        return {"status": "crashed", "reason": str(error)}
    except OSError as error:
        return {"status": "failed", "reason": f"no worker could be started: {error}"}
    return {key: value for key, value in message.items() if key != "event"}


_live: set[int] = set()


def kill_all() -> None:
    """Kill every running worker, whichever thread started it: for an interrupted command."""
    for leader in tuple(_live):
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


class WorkerDiedError(Exception):
    """A worker ended without a result; the text says how."""


def messages(payload: str, spec: WorkerSpec) -> Iterator[dict[str, Any]]:
    """Start a worker on a job's JSON and yield its messages, the result last.

    Raises TimeoutError if it is silent for too long, and WorkerDiedError if it ends without a
    result. Afterwards the worker and its children are gone.
    """
    with worker(spec) as (requests, answers):
        # A worker that dies at once is noticed by its exit, not by a broken pipe.
        with suppress(BrokenPipeError):
            requests.write(payload.encode() + b"\n")
            requests.close()
        yield from answers


def variables(framework: Framework, setting: Setting, *, scratch: Path) -> dict[str, str]:
    """All environment variables of a worker: those it inherits, and its framework's own."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    framework_variables = framework.variables(setting, scratch=scratch, vendor=machine.cpu_vendor())
    return inherited | framework_variables


def _plugins() -> str:
    """The packages of plug-ins, as `bench.worker.launch` reads them."""
    found = [(found.group, found.package, str(found.folder)) for found in plugins.plugins()]
    return json.dumps(found)


@contextmanager
def worker(spec: WorkerSpec) -> Iterator[tuple[IO[bytes], Iterator[dict[str, Any]]]]:
    """A running worker: its standard input, and an iterator over its messages as in `messages`.

    Afterwards the worker and its children are gone.
    """
    reading, writing = os.pipe()
    python = spec.environment.python
    with (
        tempfile.TemporaryDirectory(prefix="framebench-") as scratch,
        spec.log.open("wb") as printed,
    ):
        process = subprocess.Popen(
            [str(python), "-I", str(LAUNCH), str(writing), _plugins(), *spec.environment.path],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            env=variables(spec.framework, spec.setting, scratch=Path(scratch)),
            cwd=scratch,
            start_new_session=True,
        )
        os.close(writing)
        assert process.stdin
        requests = process.stdin
        _live.add(process.pid)
        try:
            yield requests, _messages_of(process, reading, log=spec.log, timeout=spec.timeout)
        finally:
            os.close(reading)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _live.discard(process.pid)
            with suppress(BrokenPipeError):
                requests.close()


def _messages_of(
    process: subprocess.Popen[bytes], pipe: int, *, log: Path, timeout: float
) -> Iterator[dict[str, Any]]:
    """A worker's messages, its result last. Raises TimeoutError and WorkerDiedError."""
    for line in _lines(pipe, timeout):
        message = json.loads(line)
        yield message
        if message["event"] == "result":
            return
    process.wait()
    raise WorkerDiedError(_why(process.returncode, log))


def _lines(pipe: int, timeout: float) -> Iterator[bytes]:
    """Whole lines from a pipe until it closes. Raises TimeoutError on silence."""
    buffered = b""
    while True:
        if not select.select([pipe], [], [], timeout)[0]:
            raise TimeoutError
        chunk = os.read(pipe, 1 << 20)
        if not chunk:
            return
        *lines, buffered = (buffered + chunk).split(b"\n")
        yield from lines


def _why(code: int, log: Path) -> str:
    """Why a worker ended without a result: signal or exit code, and the last line it printed."""
    printed = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f": {printed[-1][:300]}" if printed else ""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}{last}"
    return f"exit code {code}{last}"
