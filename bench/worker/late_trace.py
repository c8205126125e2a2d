"""A trace of a few further steps at the end of what was timed, for the proof that it was the task.

The session that was timed goes on, outside the clock, with the first batches of the epoch after its
budget, laid out and staged like all those before them. Only the steps that are replayed are given
noise, if the task has any: in the others, as in those that were timed, the framework draws its own.
The arrays in the file:

* `steps`              steps since the weights were loaded, counted by the harness, ()
* `losses`             the loss of each further step, the sum of those of its updates, (steps,)
* `point/P/STATE/NAME` a whole tensor after P further steps, 0 to `replayed_steps`: the weight, as
                       the state WEIGHT, and the optimizer's state
* `sample/STATE/NAME`  up to SAMPLE entries of it after every one of them, (steps + 1, entries)
* `loaded/NAME`        the same entries of each weight that no update moves, as it was loaded before
                       the training, (entries,)
* `outputs/NAME`       of the first test examples, before the first of them, (OUTPUTS, ...); only
                       where dropout prevents that a step is replayed

`bench.worker.late_replay` replays the first of these steps in the reference.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.core.adapter import Session
from bench.core.arrays import Array
from bench.core.cost import step_flops
from bench.core.optimizers import WEIGHT, Optimizer
from bench.core.record import Job
from bench.core.split import HostBatch, unlabelled
from bench.core.task import Task
from bench.worker.evaluation import outputs
from bench.worker.steady_pace import ReadySession

# What is wrong in one step of seven is met in one of eight.
LATE_STEPS = 8
# Every step is held against the optimizer's formula, and as many as fit in so many FLOPs against
# the reference, which takes about a second for these: all of a perceptron, one of an LSTM.
REPLAYED_FLOPS = 1e9
# An optimizer treats all entries alike, so a part of them shows its formula.
SAMPLE = 2048
OUTPUTS = 64


def replayed_steps(task: Task) -> int:
    """How many of the further steps the reference replays: none if a task draws dropout."""
    if any(task.dropout.values()):
        return 0
    fitting = int(REPLAYED_FLOPS / step_flops(task))
    return min(max(1, fitting), LATE_STEPS)


def gradients(
    task: Task, before: Mapping[str, Array], after: Mapping[str, Array]
) -> dict[str, Array]:
    """The gradients with which a step led from one point to the next, by parameter.

    A point has a tensor for each STATE/NAME.
    """
    return {
        parameter.name: update.optimizer.gradient(
            trained(before, parameter.name, update.optimizer),
            trained(after, parameter.name, update.optimizer),
        )
        for update in task.updates
        for parameter in task.parameters
        if update.moves(parameter)
    }


def trained(point: Mapping[str, Array], name: str, optimizer: Optimizer) -> dict[str, Array]:
    """A parameter at a point, and its optimizer's state, as float64."""
    return {
        state: point[f"{state}/{name}"].astype(np.float64) for state in (WEIGHT, *optimizer.state)
    }


def point(trace: Mapping[str, Array], number: int) -> dict[str, Array]:
    """The tensors of a trace after so many further steps, by STATE/NAME."""
    prefix = f"point/{number}/"
    return {key.removeprefix(prefix): trace[key] for key in trace if key.startswith(prefix)}


def write(
    file: Path, ready: ReadySession, job: Job, task: Task, *, steps: int, tested: HostBatch
) -> None:
    """Trace a session that has trained so many `steps`; `tested` is the first test batch.

    The measurement is not lost if this fails: the log says why, and there is no file.
    """
    try:
        arrays = _trace(ready, job, task, steps=steps, tested=tested)
        with file.open("xb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
    except Exception:  # a framework may raise anything, and the disk may be full
        traceback.print_exc()
        if file.exists():
            file.unlink()


def _trace(
    ready: ReadySession, job: Job, task: Task, *, steps: int, tested: HostBatch
) -> dict[str, Array]:
    session, replayed = ready.session, replayed_steps(task)
    arrays = {"steps": np.array(steps)}
    for parameter in task.frozen:
        arrays[f"loaded/{parameter.name}"] = _sample(ready.weights[parameter.name])
    if not replayed and not task.running_statistics:
        for name, output in outputs(session, unlabelled(task, tested)).items():
            arrays[f"outputs/{name}"] = output[:OUTPUTS]
    order = ready.train.epoch(job.seed, job.budget.epochs)[:LATE_STEPS]
    losses: list[float] = []
    samples: dict[str, list[Array]] = defaultdict(list)
    for number, batch in enumerate(_before_each(ready, order, replayed)):
        if batch is not None:
            losses += ready.trainer.window([batch]).losses
        for key, tensor in shown(session).items():
            samples[key].append(_sample(tensor))
            if number <= replayed:
                arrays[f"point/{number}/{key}"] = tensor
    arrays["losses"] = np.array(losses)
    return arrays | {f"sample/{key}": np.stack(parts) for key, parts in samples.items()}


def _before_each(ready: ReadySession, order: Array, replayed: int) -> Iterator[HostBatch | None]:
    """None, and then the batch of each further step, of which the first ones are `replayed`."""
    yield None
    yield from ready.train_with_noise.window(order[:replayed])
    yield from ready.train.window(order[replayed:])


def shown(session: Session) -> dict[str, Array]:
    """The weights and the optimizer's state, by STATE/NAME."""
    return {f"{WEIGHT}/{name}": weight for name, weight in session.dump().items()} | session.state()


def _sample(tensor: Array) -> Array:
    """Entries at even distances."""
    flat = tensor.reshape(-1)
    return flat[np.linspace(0, flat.size - 1, min(flat.size, SAMPLE)).astype(np.int64)]
