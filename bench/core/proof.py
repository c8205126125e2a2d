"""What a worker shows so that its task can be held against the reference: a trace of first steps.

A trace is a set of arrays, written as one .npz file a task:

* `parameters`    how many trained values the framework counts, ()
* `weights/NAME`  every weight as read back right after loading
* `logits`        of the first batch, evaluation mode, (N, K)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        the loss of each of the first steps, (STEPS,)
* `updated/NAME`  every weight after one step
* `evaluated`     the test batch's logits after all steps, (N, K)

These are of the task without dropout, as a draw cannot be the same in two frameworks. A task with
dropout is also probed: its network is made transparent, so that each loss is a known function of
how many units were dropped, and draws are compared by their distribution.

* `dropout/losses`   the losses of many training steps that change nothing, (DRAWS,)
* `dropout/logits`   the same network in evaluation mode, (N, K)
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
from bench.core.task import SGD, Task
from bench.core.weights import Array, initial_weights

STEPS = 20
# Sequences are cut to this many tokens: long enough for every gate to matter in every batch, short
# enough for the float64 reference.
LENGTH = 24
EVALUATED = 250
DRAWS = 200


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


def trace(adapter: Adapter, task: Task, *, mode: str, folder: Path, seed: int) -> dict[str, Array]:
    """The trace of `task` on the data in `folder`, its sequences cut to LENGTH."""
    task = task.with_length(LENGTH)
    arrays = _first_steps(adapter, replace(task, dropout=0.0), mode=mode, folder=folder, seed=seed)
    if task.dropout:
        arrays |= _draws(adapter, task, mode=mode, folder=folder)
    return arrays


def _first_steps(
    adapter: Adapter, task: Task, *, mode: str, folder: Path, seed: int
) -> dict[str, Array]:
    session = adapter.open(task, mode=mode)
    train = Split(folder, "train", task, session.format, task.batch * STEPS)
    batches = [train.batch(rows) for rows in train.epoch(seed, 0)]
    first = session.stage(*batches[0])

    session.load(initial_weights(task, seed))
    arrays = {f"weights/{name}": weight for name, weight in session.dump().items()}
    arrays["parameters"] = np.array(session.parameter_count())
    arrays["logits"] = session.numpy(session.logits(first))
    arrays |= {f"grads/{name}": gradient for name, gradient in session.grads(first).items()}
    losses = []
    for number, (x, y) in enumerate(batches):
        losses.append(float(session.numpy(session.step(session.stage(x, y)))))
        if number == 0:
            arrays |= {f"updated/{name}": weight for name, weight in session.dump().items()}
    arrays["losses"] = np.array(losses)
    arrays["evaluated"] = _evaluated(session, task, folder)
    session.close()
    return arrays


def _evaluated(session: Session, task: Task, folder: Path) -> Array:
    test = Split(folder, "test", task, session.format, EVALUATED)
    x, y, _ = next(test.in_order(EVALUATED))
    return session.numpy(session.logits(session.stage(x, y)))


def _transparent(task: Task) -> dict[str, Array]:
    """Weights under which the first logit is the mean of the hidden units, and each unit is 1.

    The dense weight that reads the input is zero and its bias is one; the last layer averages the
    units into the first logit alone. What dropout does to the units is then all that the loss sees.
    """
    weights = {name: np.zeros_like(weight) for name, weight in initial_weights(task, 0).items()}
    weights["hidden.bias"] += 1
    weights["output.weight"][0] = 4 / weights["output.weight"].shape[1]
    return weights


def _draws(adapter: Adapter, task: Task, *, mode: str, folder: Path) -> dict[str, Array]:
    session = adapter.open(replace(task, optimizer=SGD(learning_rate=0.0)), mode=mode)
    session.load(_transparent(task))
    train = Split(folder, "train", task, session.format, task.batch)
    batch = session.stage(*train.batch(np.arange(task.batch)))
    losses = [float(session.numpy(session.step(batch))) for _ in range(DRAWS)]
    logits = session.numpy(session.logits(batch))
    session.close()
    return {"dropout/losses": np.array(losses), "dropout/logits": logits}


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, reporter: Reporter
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, what kept it from being traced."""
    failures: dict[str, Exception | None] = {}
    for name, folder in job.data.items():
        reporter.phase(name)
        try:
            arrays = trace(adapter, tasks[name], mode=job.mode, folder=Path(folder), seed=job.seed)
            np.savez(Path(job.out) / f"{name}.npz", **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # one task must not take the others along
            failures[name] = error
    return failures
