"""What a worker shows so that its task can be held against the reference: a trace of first steps.

A trace is a set of arrays, written as one .npz file a task:

* `parameters`    how many trained values the framework counts, ()
* `weights/NAME`  every weight as read back right after loading
* `logits`        of the first batch, evaluation mode, (N, K)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        the loss of each of the first steps, (STEPS,)
* `updated/NAME`  every weight after one step
* `evaluated`     the test batch's logits after all steps, (N, K)
* `formula/NAME`  every weight after FORMULA_STEPS steps with `bench.core.task.dyadic` constants,
                  where it was asked for

These are of the task without dropout, as a draw cannot be the same in two frameworks. A task with
dropout is also probed: its network is made transparent, so that each loss is a known function of
how many units were dropped, and draws are compared by their distribution.

* `dropout/losses`   the losses of many first training steps, (DRAWS,)
* `dropout/bias`     what the last of them did to the hidden layer's bias, (units,)
* `dropout/weight`   and to the weights that read its units, (units,)
* `dropout/logits`   the same network in evaluation mode, (N, K)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from bench.core.adapter import Adapter, Device, Precision, Session, Tuning
from bench.core.data import Split
from bench.core.task import SGD, Task, TokenInput, dyadic
from bench.core.weights import Array, initial_weights

STEPS = 20
# Sequences are cut to this many tokens: long enough for every gate to matter in every batch, short
# enough for the float64 reference.
LENGTH = 24
EVALUATED = 250
DRAWS = 200
FORMULA_STEPS = 5
USED_STEPS = 2
# What the weights that average the units of a transparent network add up to.
TRANSPARENT = 4
# One text in so many is cut to half: reviews are longer than LENGTH, and padding is a word too.
SHORT_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class ProofJob:
    """Traces to make in one process: `data` is by task, each trace is written to `out`/TASK.npz.

    `formula` asks for that part too: float64 does not need it, where one update tells as much.
    """

    framework: str
    mode: str
    device: Device
    precision: Precision
    threads: int
    tuning: Tuning
    seed: int
    data: dict[str, str]
    out: str
    formula: bool

    def to_json(self) -> str:
        return json.dumps({"kind": "prove", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, object]) -> ProofJob:
        return ProofJob(**fields)  # type: ignore[arg-type]


class Reporter(Protocol):
    """Where the worker tells how far it is."""

    def phase(self, name: str) -> None: ...


def trace(
    adapter: Adapter, task: Task, *, mode: str, folder: Path, seed: int, formula: bool
) -> dict[str, Array]:
    """The trace of `task` on the data in `folder`, its sequences cut to LENGTH."""
    task = task.with_length(LENGTH)
    still = replace(task, dropout=0.0)
    arrays = _first_steps(adapter, still, mode=mode, folder=folder, seed=seed)
    if formula:
        exact = replace(still, optimizer=dyadic(task.optimizer))
        arrays |= _formula_steps(adapter, exact, mode=mode, folder=folder, seed=seed)
    if task.dropout:
        arrays |= _draws(adapter, task, mode=mode, folder=folder)
    return arrays


def _batches(
    session: Session, task: Task, *, folder: Path, seed: int, steps: int
) -> Iterator[tuple[Array, Array]]:
    """The first batches of the first epoch over the examples that all STEPS take."""
    train = Split(folder, "train", task, session.format, task.batch * STEPS)
    for rows in train.epoch(seed, 0)[:steps]:
        x, y = train.batch(rows)
        yield _shortened(task, x), y


def _shortened(task: Task, x: Array) -> Array:
    if isinstance(task.input, TokenInput):
        x[::SHORT_EVERY, : LENGTH // 2] = 0  # (N, T), padded at the front
    return x


def _used(
    session: Session, task: Task, batches: Sequence[tuple[Array, Array]], *, seed: int
) -> None:
    """Leave a session as a warm-up does: what is timed begins by loading the weights once more.

    An optimizer whose state survives that would train on another task than the reference.
    """
    session.load(initial_weights(task, seed))
    for x, y in batches[-USED_STEPS:]:
        session.step(session.stage(x, y))


def _first_steps(
    adapter: Adapter, task: Task, *, mode: str, folder: Path, seed: int
) -> dict[str, Array]:
    session = adapter.open(task, mode=mode)
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=STEPS))
    first = session.stage(*batches[0])

    _used(session, task, batches, seed=seed)
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
    test = Split(folder, "test", task, session.format, EVALUATED)
    x, y, _ = next(test.in_order(EVALUATED))
    x = _shortened(task, x)
    arrays["evaluated"] = session.numpy(session.logits(session.stage(x, y)))
    session.close()
    return arrays


def _formula_steps(
    adapter: Adapter, task: Task, *, mode: str, folder: Path, seed: int
) -> dict[str, Array]:
    session = adapter.open(task, mode=mode)
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=FORMULA_STEPS))
    _used(session, task, batches, seed=seed)
    session.load(initial_weights(task, seed))
    for x, y in batches:
        session.step(session.stage(x, y))
    arrays = {f"formula/{name}": weight for name, weight in session.dump().items()}
    session.close()
    return arrays


def _transparent(task: Task) -> dict[str, Array]:
    """Weights under which the first logit is the mean of the hidden units, and each unit is 1.

    The dense weight that reads the input is zero and its bias is one; the last layer averages the
    units into the first logit alone. What dropout does to the units is then all that the loss sees.
    """
    weights = {name: np.zeros_like(weight) for name, weight in initial_weights(task, 0).items()}
    weights["hidden.bias"] += 1
    weights["output.weight"][0] = TRANSPARENT / weights["output.weight"].shape[1]
    return weights


def _draws(adapter: Adapter, task: Task, *, mode: str, folder: Path) -> dict[str, Array]:
    session = adapter.open(replace(task, optimizer=SGD(learning_rate=1.0)), mode=mode)
    weights = _transparent(task)
    train = Split(folder, "train", task, session.format, task.batch)
    batch = session.stage(*train.batch(np.arange(task.batch)))
    losses = []
    for _ in range(DRAWS):
        session.load(weights)
        losses.append(float(session.numpy(session.step(batch))))
    updated = session.dump()
    session.load(weights)
    logits = session.numpy(session.logits(batch))
    session.close()
    return {
        "dropout/losses": np.array(losses),
        "dropout/logits": logits,
        "dropout/bias": updated["hidden.bias"] - weights["hidden.bias"],
        "dropout/weight": updated["output.weight"][0] - weights["output.weight"][0],
    }


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, reporter: Reporter
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, what kept it from being traced."""
    failures: dict[str, Exception | None] = {}
    for name, folder in job.data.items():
        reporter.phase(name)
        try:
            arrays = trace(
                adapter,
                tasks[name],
                mode=job.mode,
                folder=Path(folder),
                seed=job.seed,
                formula=job.formula,
            )
            np.savez(Path(job.out) / f"{name}.npz", **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # one task must not take the others along
            failures[name] = error
    return failures
