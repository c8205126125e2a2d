"""A trace of a task's first steps, for comparison with the reference's trace.

A trace is a set of arrays, written to one .npz file for each task:

* `parameters`    how many trained values the framework counts, ()
* `weights/NAME`  every weight, read back right after loading
* `logits`        of the first batch, evaluation mode, (N, K)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        the loss of each of the first steps, (STEPS,) or (HEAVY_STEPS,)
* `updated/NAME`  every weight after one step
* `evaluated`     the test batch's logits after all steps, (N, K)
* `formula/NAME`  every weight after FORMULA_STEPS steps with the constants of
                  `bench.core.optimizers.dyadic`, if the job asks for it

For a task with batch normalization, the reference also has `evaluated/unbiased`, with running
variances over n - 1 values, where `evaluated` has them over n. There the formula's steps start from
other weights (see `opened`) and add:

* `opened/losses`     the loss of each of these steps, (FORMULA_STEPS,)
* `opened/evaluated`  the test batch's logits after them, (N, K)

All of this is without dropout, because no two frameworks draw the same units. What each dropout
layer does is traced by `bench.worker.dropout_trace`.
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
# Sequences are cut to this many tokens: enough for every gate to matter in every batch, and few
# enough for the float64 reference.
LENGTH = 24
EVALUATED = 250
# Three steps show momentum and the bias correction. More would begin to amplify rounding.
FORMULA_STEPS = 3
USED_STEPS = 2
# Batch and steps of a heavy task on images, which would take minutes in float64 on a CPU. Texts are
# short already.
HEAVY_BATCH = 16
HEAVY_STEPS = 10
# Three standard deviations above 0: see `opened`. With more, less would be left of a shift's
# gradient, which the next normalization removes except at the map's edges. The values are small, so
# that updates keep digits.
OPEN = {"norm_scale": 1 / 8, "norm_shift": 3 / 8}
# Every fourth text is cut to half. Otherwise there would be no padding, as reviews are longer than
# LENGTH.
SHORT_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class ProofJob:
    """Traces to make in one process.

    `data` holds the prepared folder of each task; its trace is written to `out`/TASK.npz. `formula`
    asks for that part of the trace, which float64 does not need: one update shows as much there.
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


def trace(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int, formula: bool
) -> dict[str, Array]:
    """The trace of `task` on the data in `folder`, its sequences cut to LENGTH.

    In a short proof, batches are cut to HEAVY_BATCH, and steps to HEAVY_STEPS.
    """
    task = task.with_length(LENGTH)
    if task.short_proof:
        task = replace(task, batch=min(task.batch, HEAVY_BATCH))
    without_dropout = task.with_dropout()
    arrays = _first_steps(open_session, without_dropout, folder=folder, seed=seed)
    if formula:
        exact = replace(without_dropout, optimizer=dyadic(task.optimizer))
        arrays |= _formula_steps(open_session, exact, folder=folder, seed=seed)
    for layer in task.dropout:
        arrays |= draws(open_session, task, layer, folder=folder)
    return arrays


def _batches(
    session: Session, task: Task, *, folder: Path, seed: int, steps: int
) -> Iterator[tuple[Array, Array]]:
    """The first batches of the first epoch, over as many examples as STEPS batches hold."""
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
    """Bring a session into the state in which a warm-up leaves it before weights are loaded again.

    This exposes an optimizer whose state survives the loading, so that it trains another task.
    """
    session.load(initial_weights(task, seed))
    for x, y in batches[-USED_STEPS:]:
        session.step(session.stage(x, y))


def _first_steps(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int
) -> dict[str, Array]:
    session = open_session(task)
    steps = HEAVY_STEPS if task.short_proof else STEPS
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
    """Weights with which nearly all values that are normalized over a batch pass their rectifier.

    Normalized values lie around 0 by the million, and rounding carries some of them across it,
    where the slope jumps from 0 to 1. On a small map, a single such value changes a gradient by a
    hundredth. The formula's steps hold float32 to the size of its rounding, so they start with
    values away from 0.
    """
    if not task.batch_norm:
        return dict(weights)
    moved = {
        parameter.name: np.full(parameter.shape, OPEN[parameter.kind], np.float32)
        for parameter in task.parameters
        if parameter.kind in OPEN
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
        evaluated = _evaluated(session, task, folder)
        arrays |= {f"opened/{name}": logits for name, logits in evaluated.items()}
    session.close()
    return arrays


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, listener: Listener
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, the error that prevented it, or None."""
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
        except Exception as error:  # the other tasks are still traced
            failures[name] = error
    return failures
