"""What a worker shows so that its task can be held against the reference: a trace of first steps.

A trace is a set of arrays, written as one .npz file a task:

* `parameters`    how many trained values the framework counts, ()
* `weights/NAME`  every weight as read back right after loading
* `logits`        of the first batch, evaluation mode, (N, K)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        the loss of each of the first steps, (STEPS,) or (HEAVY_STEPS,)
* `updated/NAME`  every weight after one step
* `evaluated`     the test batch's logits after all steps, (N, K)
* `formula/NAME`  every weight after FORMULA_STEPS steps with the constants of
                  `bench.core.optimizers.dyadic`, where it was asked for

Of a task with batch normalization the reference alone has `evaluated/unbiased` too, by running
variances over n - 1 values, where `evaluated` has them over n. The formula's steps are from other
weights there (see `opened`), and tell more:

* `opened/losses`     the loss of each of these steps, (FORMULA_STEPS,)
* `opened/evaluated`  the test batch's logits after them, (N, K)

These are of the task without dropout, as a draw cannot be the same in two frameworks. What each
dropout layer does is shown by `bench.worker.dropout_trace`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.adapter import Adapter, Session
from bench.core.listener import Listener
from bench.core.optimizers import dyadic
from bench.core.setting import Setting
from bench.core.split import Split
from bench.core.task import Task, TokenInput
from bench.core.weights import Array, initial_weights
from bench.worker.dropout_trace import OpenSession, draws

STEPS = 20
# Sequences are cut to this many tokens: long enough for every gate to matter in every batch, short
# enough for the float64 reference.
LENGTH = 24
EVALUATED = 250
# Three tell momentum and the bias correction; with more, training begins to amplify rounding.
FORMULA_STEPS = 3
USED_STEPS = 2
# A heavy task's batches and steps, if it is on images, as texts are short already: float64 on a CPU
# is not to be waited for by the minute.
HEAVY_BATCH = 16
HEAVY_STEPS = 10
# Three standard deviations above 0: see `opened`. The more, the less is left of a shift's gradient,
# which the next normalization takes off but for the map's edges. Small, to leave updates digits.
OPEN = {"norm_scale": 1 / 8, "norm_shift": 3 / 8}
# One text in so many is cut to half: reviews are longer than LENGTH, and padding is a word too.
SHORT_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class ProofJob:
    """Traces to make in one process: `data` is by task, each trace is written to `out`/TASK.npz.

    `formula` asks for that part too: float64 does not need it, where one update tells as much.
    """

    framework: str
    mode: str
    setting: Setting
    seed: int
    data: dict[str, str]
    out: str
    formula: bool

    def to_json(self) -> str:
        return json.dumps({"kind": "prove", **asdict(self)})

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> ProofJob:
        return ProofJob(**{**fields, "setting": Setting(**fields["setting"])})

    def __str__(self) -> str:
        return f"{self.framework} {self.mode} {self.setting}"


def _slow(task: Task) -> bool:
    return task.heavy and not isinstance(task.input, TokenInput)


def trace(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int, formula: bool
) -> dict[str, Array]:
    """The trace of `task` on the data in `folder`, its sequences cut to LENGTH.

    The batches of a heavy task on images are cut to HEAVY_BATCH, and its steps to HEAVY_STEPS.
    """
    task = task.with_length(LENGTH)
    if _slow(task):
        task = replace(task, batch=min(task.batch, HEAVY_BATCH))
    still = task.with_dropout()
    arrays = _first_steps(open_session, still, folder=folder, seed=seed)
    if formula:
        exact = replace(still, optimizer=dyadic(task.optimizer))
        arrays |= _formula_steps(open_session, exact, folder=folder, seed=seed)
    for layer in task.dropout:
        arrays |= draws(open_session, task, layer, folder=folder)
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
    open_session: OpenSession, task: Task, *, folder: Path, seed: int
) -> dict[str, Array]:
    session = open_session(task)
    steps = HEAVY_STEPS if _slow(task) else STEPS
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=steps))
    first = session.stage(*batches[0])

    _used(session, task, batches, seed=seed)
    session.load(initial_weights(task, seed))
    arrays = {f"weights/{name}": weight for name, weight in session.dump().items()}
    arrays["parameters"] = np.array(session.parameter_count())
    arrays["logits"] = session.numpy(session.logits(first))
    arrays |= {f"grads/{name}": gradient for name, gradient in session.grads(first).items()}
    session.load(initial_weights(task, seed))  # `grads` may have moved running statistics
    losses = []
    for number, (x, y) in enumerate(batches):
        losses.append(float(session.numpy(session.step(session.stage(x, y)))))
        if number == 0:
            arrays |= {f"updated/{name}": weight for name, weight in session.dump().items()}
    arrays["losses"] = np.array(losses)
    arrays |= _evaluated(session, task, folder)
    session.close()
    return arrays


def _evaluated(session: Session, task: Task, folder: Path) -> dict[str, Array]:
    test = Split(folder, "test", task, session.format, EVALUATED)
    x, y, _ = next(test.in_order(EVALUATED))
    batch = session.stage(_shortened(task, x), y)
    arrays = {"evaluated": session.numpy(session.logits(batch))}
    if task.batch_norm and hasattr(session, "unbiased_logits"):  # the reference has both
        arrays["evaluated/unbiased"] = session.numpy(session.unbiased_logits(batch))
    return arrays


def opened(task: Task, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights under which what is normalized over a batch nearly all passes the rectifier behind.

    Such values lie around 0 by the million, and rounding carries some of them over, where the slope
    jumps from 0 to 1: on a small map, a single one changes a gradient by a hundredth. The formula's
    steps are there to hold float32 to the size of its rounding, so they begin away from 0.
    """
    if not task.batch_norm:
        return dict(weights)
    moved = {
        one.name: np.full(one.shape, OPEN[one.kind], np.float32)
        for one in task.parameters
        if one.kind in OPEN
    }
    return {**weights, **moved}


def _formula_steps(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int
) -> dict[str, Array]:
    session = open_session(task)
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=FORMULA_STEPS))
    _used(session, task, batches, seed=seed)
    session.load(opened(task, initial_weights(task, seed)))
    losses = [float(session.numpy(session.step(session.stage(x, y)))) for x, y in batches]
    arrays = {f"formula/{name}": weight for name, weight in session.dump().items()}
    if task.batch_norm:
        arrays["opened/losses"] = np.array(losses)
        found = _evaluated(session, task, folder)
        arrays |= {f"opened/{name}": logits for name, logits in found.items()}
    session.close()
    return arrays


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, listener: Listener
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, what kept it from being traced."""
    failures: dict[str, Exception | None] = {}
    open_session = partial(adapter.open, mode=job.mode, setting=job.setting, seed=job.seed)
    for name, folder in job.data.items():
        listener.phase(str(job), f"proving {name}")
        try:
            arrays = trace(
                open_session,
                tasks[name],
                folder=Path(folder),
                seed=job.seed,
                formula=job.formula,
            )
            np.savez(Path(job.out) / f"{name}.npz", **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # one task must not take the others along
            failures[name] = error
    return failures
