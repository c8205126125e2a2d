"""Traces adapters with planted faults, many in one process of the framework's environment.

    python -m tests.mutant_worker AT_ONCE MODULE... < jobs     run by `tests.mutant_traces`

Importing a framework takes longer than most of these traces. So this process imports MODULEs, the
framework's packages, and then forks for each job, AT_ONCE at a time. In the child nothing has been
computed yet, and no module of `frameworks` is imported: it imports those from the job's tree, and
then works like any worker. Children share no state that a fault could leave behind.

A job is a line of JSON: `tree`, the folder to import `frameworks` from; `payload`, what a worker
reads from its standard input; `messages` and `log`, the files for what the worker reports and what
the framework prints.
"""

import importlib
import io
import json
import os
import signal
import sys
from pathlib import Path

from bench.worker import main as worker
from bench.worker.launch import lend

# A child that hangs is ended by the alarm, and then leaves no result.
SECONDS = 600


def trace(job: dict[str, str]) -> None:
    """Do one job. Ends the process."""
    signal.alarm(SECONDS)
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    sys.stdin = io.StringIO(job["payload"] + "\ninf\n")  # a job that takes turns has one
    lend("frameworks", Path(job["tree"]))
    worker.main(os.open(job["messages"], os.O_WRONLY | os.O_CREAT, 0o600))


def main(at_once: int, *modules: str) -> None:
    for module in modules:
        importlib.import_module(module)
    assert "frameworks" not in sys.modules
    running: set[int] = set()
    for line in sys.stdin:
        if len(running) == at_once:
            running.remove(os.wait()[0])
        child = os.fork()
        if not child:
            trace(json.loads(line))
        running.add(child)
    while running:
        running.remove(os.wait()[0])


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
