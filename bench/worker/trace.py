"""A trace of a task's first steps, for comparison with the reference's trace.

A trace is a set of arrays, written to one .npz file for each task:

* `parameters`    how many trained values the framework counts, ()
* `weights/NAME`  every weight, read back right after loading
* `outputs/NAME`  of the first batch, evaluation mode, (N, ...)
* `grads/NAME`    gradients of the first batch's loss
* `losses`        each update's loss in the first steps, (STEPS, updates), or HEAVY_STEPS of them
* `updated/NAME`  every weight after one step
* `state/NAME`    the optimizers' state after one step
* `evaluated/NAME`  the test batch's outputs after all steps, (N, ...)
* `formula/NAME`  every weight after FORMULA_STEPS steps with the constants of
                  `Optimizer.dyadic`, if the job asks for it

Where evaluation uses running statistics, the formula's steps start from other weights (see
`opened`) and add:

* `opened/losses`          each update's loss in these steps, (FORMULA_STEPS, updates)
* `opened/evaluated/NAME`  the test batch's outputs after them, (N, ...)

All of this is without dropout, because no two frameworks draw the same units, and with noise that
the harness draws. What each dropout layer does is traced by `bench.worker.dropout_trace`,
`bench.worker.summed_dropout`, and `bench.worker.tied_dropout`; a framework's own noise by
`bench.worker.noise_trace`; what acts only on large values by `bench.worker.saturated_trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.core.adapter import Adapter, Session
from bench.core.arrays import Array
from bench.core.cost import step_flops
from bench.core.listener import Listener
from bench.core.split import HostBatch, Split, unlabelled
from bench.core.task import Task
from bench.core.weights import initial_weights, opened
from bench.worker import execution
from bench.worker.dropout_trace import OpenSession, draws
from bench.worker.evaluation import evaluation_batch, outputs
from bench.worker.execution import ExecutionCheck
from bench.worker.full_trace import DEAR_FLOPS, full_trace
from bench.worker.noise_trace import noise_trace
from bench.worker.proof_job import ProofJob
from bench.worker.saturated_trace import saturated_trace
from bench.worker.seeds_trace import seeds_trace
from bench.worker.summed_dropout import is_summed, summed_draws
from bench.worker.tied_dropout import is_tied, tied_draws

STEPS = 20
# Longer sequences are cut to this many tokens: enough for every gate to matter in every batch, and
# few enough for the float64 reference.
LENGTH = 24
EVALUATED = 250
# Three steps show momentum and the bias correction. More would begin to amplify rounding.
FORMULA_STEPS = 3
USED_STEPS = 2
# Batch and steps of a heavy task on images, which would take minutes in float64 on a CPU. Texts are
# short already; their batch is as small where their steps are dear all the same.
HEAVY_BATCH = 16
HEAVY_STEPS = 10
# By how many steps a seed can lengthen the curve, so that its end is known only with the seed.
MORE_STEPS = 5


def trace(
    open_session: OpenSession,
    open_other: OpenSession,
    task: Task,
    *,
    folder: Path,
    seed: int,
    rounding: bool,
    drawn: bool,
    long: bool,
    check_execution: ExecutionCheck,
    say: Callable[[str], None],
) -> dict[str, Array]:
    """The trace of `task` on the data in `folder`; sessions of `open_other` have another seed.

    All but the steps of `bench.worker.full_trace` is that of the task by which it is proved, with
    sequences that are cut to LENGTH. In a short proof, batches are cut to HEAVY_BATCH, and steps to
    HEAVY_STEPS; batches also where steps are dear on short sequences. `check_execution` is called
    once, with a session after its steps; `say` is told of each part.

    `long`, in float64, asks for what takes long or is mostly rounding elsewhere. `rounding` asks
    for the formula with constants that float32 holds exactly, since one update shows as much in
    float64, and in a short proof for the steps at full size, which take some frameworks minutes in
    float64. `drawn` asks for what dropout draws, and for noise of the framework's own: of the
    reference, only what it does without draws is compared, and with the harness's noise.
    """
    arrays = {}
    if rounding or not task.short_proof:
        say("full steps")
        arrays = full_trace(open_session, task.with_dropout(), folder=folder, seed=seed, long=long)
    task = task.proved_as or task
    task = task.with_length(min(LENGTH, task.length or LENGTH))
    if task.short_proof or step_flops(task) > DEAR_FLOPS:
        task = replace(task, batch=min(task.batch, HEAVY_BATCH))
    without_dropout = task.with_dropout()
    say("first steps")
    arrays |= _first_steps(
        open_session,
        without_dropout,
        folder=folder,
        seed=seed,
        saturated=long and not task.short_proof,
        check_execution=check_execution,
    )
    if rounding:
        say("formula")
        arrays |= _formula_steps(open_session, without_dropout.dyadic(), folder=folder, seed=seed)
    if drawn and (task.noise or task.dropout):
        say("seeds")
        arrays |= seeds_trace((open_session, open_other), task, folder=folder)
    if task.noise:
        say("noise")
        arrays |= noise_trace(open_session, task, folder=folder, drawn=drawn)
    if is_tied(task):
        return arrays | tied_draws(open_session, task, folder=folder, drawn=drawn, say=say)
    for layer in task.dropout:
        shown = summed_draws if is_summed(task, layer) else draws
        say(f"dropout behind {layer}")
        arrays |= shown(open_session, task, layer, folder=folder, drawn=drawn)
    return arrays


def _more(seed: int) -> int:
    """The steps by which a seed lengthens the curve."""
    return seed % (MORE_STEPS + 1)


def _batches(
    session: Session, task: Task, *, folder: Path, seed: int, steps: int
) -> Iterator[HostBatch]:
    """The first batches of the first epoch, over as many examples as STEPS batches hold, or more.

    The usual seed, 0, adds no steps to STEPS.
    """
    most = STEPS + _more(seed)
    train = Split(folder, "train", task, session.format, task.batch * most)
    for rows in train.epoch(seed, 0)[:steps]:
        yield _shortened(task, train.batch(rows))


def _shortened(task: Task, batch: HostBatch) -> HostBatch:
    return {name: field.shortened(batch[name]) for name, field in task.fields.items()}


def _outputs(session: Session, task: Task, batch: HostBatch, prefix: str) -> dict[str, Array]:
    """A batch's outputs in evaluation mode, by their names after a prefix.

    The targets are zeros, as in a timed run's evaluation.
    """
    found = outputs(session, unlabelled(task, batch))
    return {f"{prefix}/{name}": output for name, output in found.items()}


def _losses(session: Session, batch: HostBatch) -> list[float]:
    """Train one step: each update's loss."""
    return [float(session.numpy(loss)) for loss in session.step(session.stage(batch))]


def _used(session: Session, task: Task, batches: Sequence[HostBatch], *, seed: int) -> None:
    """Bring a session into the state in which a warm-up leaves it before weights are loaded again.

    This exposes an optimizer whose state survives the loading, so that it trains another task.
    """
    session.load(initial_weights(task, seed))
    for batch in batches[-USED_STEPS:]:
        session.step(session.stage(batch))


def _first_steps(
    open_session: OpenSession,
    task: Task,
    *,
    folder: Path,
    seed: int,
    saturated: bool,
    check_execution: ExecutionCheck,
) -> dict[str, Array]:
    session = open_session(task)
    steps = (HEAVY_STEPS if task.short_proof else STEPS) + _more(seed)
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=steps))
    first = session.stage(batches[0])

    _used(session, task, batches, seed=seed)
    session.load(initial_weights(task, seed))
    arrays = {f"weights/{name}": weight for name, weight in session.dump().items()}
    arrays["parameters"] = np.array(session.parameter_count())
    arrays |= _outputs(session, task, batches[0], "outputs")
    arrays |= {f"grads/{name}": gradient for name, gradient in session.gradients(first).items()}
    session.load(initial_weights(task, seed))  # `gradients` may have moved running statistics
    losses = []
    for number, batch in enumerate(batches):
        losses.append(_losses(session, batch))
        if number == 0:
            arrays |= {f"updated/{name}": weight for name, weight in session.dump().items()}
            arrays |= {f"state/{name}": value for name, value in session.state().items()}
    arrays["losses"] = np.array(losses)
    arrays |= _evaluated(session, task, folder)
    check_execution(session)
    if saturated:
        arrays |= saturated_trace(session, task, batches[0], initial_weights(task, seed))
    session.close()
    return arrays


def _evaluated(session: Session, task: Task, folder: Path) -> dict[str, Array]:
    count = min(EVALUATED, evaluation_batch(task))
    test = Split(folder, "test", task, session.format, count)
    batch, _ = next(test.in_order(count))
    return _outputs(session, task, _shortened(task, batch), "evaluated")


def _formula_steps(
    open_session: OpenSession, task: Task, *, folder: Path, seed: int
) -> dict[str, Array]:
    session = open_session(task)
    batches = list(_batches(session, task, folder=folder, seed=seed, steps=FORMULA_STEPS))
    _used(session, task, batches, seed=seed)
    session.load(opened(task, initial_weights(task, seed)))
    losses = [_losses(session, batch) for batch in batches]
    arrays = {f"formula/{name}": weight for name, weight in session.dump().items()}
    if task.running_statistics:
        arrays["opened/losses"] = np.array(losses)
        evaluated = _evaluated(session, task, folder)
        arrays |= {f"opened/{name}": output for name, output in evaluated.items()}
    session.close()
    return arrays


def _say(listener: Listener, job: ProofJob, task: str, part: str) -> None:
    listener.phase(str(job), f"proving {task}: {part}")


def prove(
    job: ProofJob, tasks: Mapping[str, Task], adapter: Adapter, listener: Listener
) -> dict[str, Exception | None]:
    """Trace every task of the job. Returns, by task, the error that prevented it, or None."""
    failures: dict[str, Exception | None] = {}
    open_session, open_other = (
        partial(adapter.open, mode=job.mode, setting=job.setting, seed=seed)
        for seed in (job.seed, job.seed + 1)
    )
    check_execution = partial(
        execution.check, adapter=adapter, mode=job.mode, compiles=job.compiles
    )
    for name, folder in job.data.items():
        # More than once, as a worker that is silent for long is taken for one that hangs.
        say = partial(_say, listener, job, name)
        try:
            arrays = trace(
                open_session,
                open_other,
                tasks[name],
                folder=Path(folder),
                seed=job.seed,
                rounding=job.rounding,
                drawn=job.drawn,
                long=job.setting.precision == "float64",
                check_execution=check_execution,
                say=say,
            )
            np.savez(Path(job.out) / f"{name}.npz", **arrays)  # type: ignore[arg-type]
            failures[name] = None
        except Exception as error:  # the other tasks are still traced
            failures[name] = error
    return failures
