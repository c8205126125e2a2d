"""The reference's replay of what a late trace shows, each step from the state shown before it.

To TRACE.npz it writes TRACE.replayed.npz:

* `losses`         the loss of each replayed step, (steps,)
* `grads/P/NAME`   gradients of step P, from 0
* `outputs/NAME`   of the first test examples, if the trace has them
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.adapter import Adapter
from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.core.optimizers import WEIGHT
from bench.core.record import Job
from bench.core.setting import Setting
from bench.core.split import Split
from bench.core.task import Task
from bench.worker.dropout_trace import OpenSession
from bench.worker.evaluation import evaluation_batch, outputs
from bench.worker.late_trace import OUTPUTS, gradients, point, replayed_steps, shown


@dataclass(frozen=True, kw_only=True)
class ReplayJob:
    """Traces in `folder` to replay in one process: of each, by name, the job that it ends."""

    framework: str
    mode: str
    setting: Setting
    jobs: Mapping[str, Job]
    folder: str

    def to_json(self) -> str:
        return json.dumps({"kind": "replay", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> ReplayJob:
        nested = {
            "setting": Setting(**fields["setting"]),
            "jobs": {name: Job.from_fields(job) for name, job in fields["jobs"].items()},
        }
        return ReplayJob(**{**fields, **nested})

    def trace(self, name: str) -> Path:
        """The trace of a job."""
        return Path(self.folder) / f"{name}.npz"

    def replayed(self, name: str) -> Path:
        """What the reference makes of it."""
        return Path(self.folder) / f"{name}.replayed.npz"

    def __str__(self) -> str:
        return "late proof"


def replay(
    job: ReplayJob, tasks: Mapping[str, Task], adapter: Adapter, listener: Listener
) -> dict[str, Exception | None]:
    """Replay every trace; `tasks` are by its name. Returns the error that prevented it, or None."""
    failures: dict[str, Exception | None] = {}
    open_session = partial(adapter.open, mode=job.mode, setting=job.setting, seed=0)
    for name, timed in job.jobs.items():
        listener.phase(str(job), str(timed.cell))
        try:
            with np.load(job.trace(name), allow_pickle=False) as trace:
                arrays = _replayed(open_session, timed, tasks[name], dict(trace))
            np.savez(job.replayed(name), **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # the others are still replayed
            failures[name] = error
    return failures


def _replayed(
    open_session: OpenSession, job: Job, task: Task, trace: Mapping[str, Array]
) -> dict[str, Array]:
    session: Any = open_session(task)  # the reference's, which can resume another's training
    folder, budget = Path(job.data), job.budget
    train = Split(folder, "train", task, session.format, budget.train_examples)
    order = train.epoch(job.seed, budget.epochs)[: replayed_steps(task)]
    losses: list[float] = []
    arrays: dict[str, Array] = {}
    for number, rows in enumerate(order):
        before = point(trace, number)
        session.resume(*_apart(before), steps=int(trace["steps"]) + number)
        losses.append(sum(map(float, session.step(session.stage(train.batch(rows))))))
        found = gradients(task, before, shown(session))
        arrays |= {f"grads/{number}/{name}": gradient for name, gradient in found.items()}
    arrays["losses"] = np.array(losses)
    if any(key.startswith("outputs/") for key in trace):
        session.resume(*_apart(point(trace, 0)), steps=int(trace["steps"]))
        test = Split(folder, "test", task, session.format, budget.test_examples)
        batch, _ = next(test.in_order(min(OUTPUTS, evaluation_batch(task))))
        found = outputs(session, batch)
        arrays |= {f"outputs/{name}": output for name, output in found.items()}
    session.close()
    return arrays


def _apart(point: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """The weights at a point, by name, and the optimizer's state, by STATE/NAME."""
    prefix = f"{WEIGHT}/"
    weights = {key.removeprefix(prefix): point[key] for key in point if key.startswith(prefix)}
    return weights, {key: point[key] for key in point if not key.startswith(prefix)}
