"""What a worker shows so that its task can be held against the reference: a trace of first steps.

A trace is a set of arrays, written as one .npz file a task:

* `weights/NAME`  every weight as read back right after loading
* `logits`        of the first batch, evaluation mode, (N, K)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        the loss of each of the first steps, (STEPS,)
* `updated/NAME`  every weight after one step
* `evaluated`     the test batch's logits after all steps, (N, K)

Dropout is left out of the traced task: a draw can't be the same in two frameworks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from bench.core.adapter import Adapter, Device, Precision, Session
from bench.core.data import Split
from bench.core.task import Task
from bench.core.weights import Array, initial_weights

STEPS = 20
# Sequences are cut to this many tokens: long enough for every gate to matter in every batch, short
# enough for the float64 reference.
LENGTH = 40
EVALUATED = 250


@dataclass(frozen=True, kw_only=True)
class ProofJob:
    """Traces to make in one process: `data` is by task, each trace is written to `out`/TASK.npz."""

    framework: str
    mode: str
    device: Device
    precision: Precision
    threads: int
    seed: int
    data: dict[str, str]
    out: str

    def to_json(self) -> str:
        return json.dumps({"kind": "prove", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, object]) -> ProofJob:
        return ProofJob(**fields)  # type: ignore[arg-type]


class Reporter(Protocol):
    """Where the worker tells how far it is."""

    def phase(self, name: str) -> None: ...


def traced_task(task: Task) -> Task:
    """The task as it is traced: without dropout, on short sequences."""
    return replace(task, dropout=0.0).with_length(LENGTH)


def trace(session: Session, task: Task, folder: Path, seed: int) -> dict[str, Array]:
    """The trace of `task` (as `traced_task` gives it) on the data in `folder`."""
    train = Split(folder, "train", task, session.format, task.batch * STEPS)
    test = Split(folder, "test", task, session.format, EVALUATED)
    batches = [train.batch(rows) for rows in train.epoch(seed, 0)]
    first = session.stage(*batches[0])

    session.load(initial_weights(task, seed))
    arrays = {f"weights/{name}": weight for name, weight in session.dump().items()}
    arrays["logits"] = session.numpy(session.logits(first))
    arrays |= {f"grads/{name}": gradient for name, gradient in session.grads(first).items()}
    losses = []
    for number, (x, y) in enumerate(batches):
        losses.append(float(session.numpy(session.step(session.stage(x, y)))))
        if number == 0:
            arrays |= {f"updated/{name}": weight for name, weight in session.dump().items()}
    arrays["losses"] = np.array(losses)
    x, y, _ = next(test.in_order(EVALUATED))
    arrays["evaluated"] = session.numpy(session.logits(session.stage(x, y)))
    return arrays


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, reporter: Reporter
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, what kept it from being traced."""
    failures: dict[str, Exception | None] = {}
    for name, folder in job.data.items():
        reporter.phase(name)
        try:
            task = traced_task(tasks[name])
            session = adapter.open(task, mode=job.mode)
            arrays = trace(session, task, Path(folder), job.seed)
            session.close()
            np.savez(Path(job.out) / f"{name}.npz", **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # one task must not take the others along
            failures[name] = error
    return failures
