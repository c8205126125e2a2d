"""What a framework draws where a batch is without noise, as the losses of many steps show it.

No two frameworks draw the same numbers, so their distribution is compared: by steps on one batch,
each from the same weights, with losses that differ by the noise alone. The weights are such that

* what the noise is added to is 0, and what it is multiplied with is 1: all layers before the one
  that reads it first have weights and biases of 0;
* each output of that layer reads one of the numbers, as it is or with the other sign, and its
  rectifier lets pass what is above a threshold: ABOVE, or BELOW where the sign is the other. A
  leaky one lets pass a part of the rest, whose mean does not depend on the deviation;
* the weights behind it are above 0 and add up to 1 for each output, so that all that passes adds
  to the logits. A bias of LIFT behind that layer keeps later rectifiers open, and tanh in its
  middle; the last layer's weights add up to GAIN, so that the losses differ by more than rounding.

So a loss adds up what the two tails of the distribution hold, and its mean shows their weight.
Uniform numbers with the right deviation have a fourth of what a normal distribution has above
ABOVE. The thresholds differ, so that a mean other than 0 shows as well. The loss's variance shows
whether the numbers are independent: it is as many times too large as there are examples that share
theirs. Where a step makes several updates, with noise of its own for each, that their losses vary
together shows whether one was drawn for both. The trace has

* `noise/losses`  the loss of each update in each step, (STEPS, updates)

No gradient passes these weights to what comes before the noise. So as many steps more, of plain SGD
from the initial weights, show whether gradients meet the noise as they should: those of what makes
a mean and a deviation, or a picture, differ from draw to draw. Of each parameter's gradient the
trace has the sum with signs that are drawn once

* `noise/gradients`  of each trained parameter in each step, (STEPS, parameters)

In the reference's own trace, the noise is the harness's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.noise_field import OTHER_STREAM, standard_normal
from bench.core.optimizers import SGD
from bench.core.split import HostBatch, Split, unlabelled
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.dropout_trace import OpenSession

# With 48 losses, a variance that is off by a factor of five is found.
STEPS = 48
ABOVE, BELOW = 1.5, 1.0
LIFT, GAIN = 0.5, 8.0
# So small that a first update of several does not move what the next one's gradient is of.
RATE = 2.0**-6


def noise_trace(
    open_session: OpenSession, task: Task, *, folder: Path, drawn: bool
) -> dict[str, Array]:
    """The arrays above; with the harness's noise if the framework's is not to be `drawn`."""
    session = open_session(task)
    train = Split(folder, "train", task, session.format, None)
    rows = np.arange(task.batch) % len(train)
    whole, bare = train.batch(rows), train.without_noise().batch(rows)
    weights = revealing_weights(task)
    session.load(weights)
    # As in a warm-up, with an evaluation after it.
    session.step(session.stage(bare))
    session.outputs(session.stage(unlabelled(task, whole)))
    losses = []
    for batch in _batches(task, bare, None if drawn else whole):
        session.load(weights)
        own = session.step(session.stage(batch))
        losses.append([float(session.numpy(loss)) for loss in own])
    session.close()

    session = open_session(_plain(task))
    weights, signs, sums = initial_weights(task, 0), _signs(task), []
    for batch in _batches(task, bare, None if drawn else whole):
        session.load(weights)
        session.step(session.stage(batch))
        updated = session.dump()
        sums.append(
            [float(((weights[name] - updated[name]) * own).sum()) for name, own in signs.items()]
        )
    session.close()
    return {"noise/losses": np.array(losses), "noise/gradients": np.array(sums) / RATE}


def _batches(task: Task, bare: HostBatch, whole: HostBatch | None) -> Iterator[HostBatch]:
    """A batch for each step: `bare` of noise, or `whole`, with noise of the harness's."""
    for step in range(STEPS):
        if whole is None:
            yield bare
            continue
        places = step * task.batch + np.arange(task.batch)
        for stream, name in enumerate(task.noise, start=OTHER_STREAM):
            noise = standard_normal(places, task.fields[name].values, stream=stream)
            whole[name] = noise.astype(whole[name].dtype)
        yield whole


def _plain(task: Task) -> Task:
    """The task with plain SGD for each update, by which weights move as their gradients are."""
    return task.without_clip().with_optimizers(*[SGD(learning_rate=RATE) for _ in task.updates])


def _signs(task: Task) -> dict[str, Array]:
    """A sign for each value of each trained parameter."""
    return {
        parameter.name: np.random.default_rng(number).choice([-1.0, 1.0], parameter.shape)
        for number, parameter in enumerate(task.trained)
    }


def revealing_weights(task: Task) -> dict[str, Array]:
    """Weights by which the loss depends on the noise as the module's text says."""
    initial = initial_weights(task, 0)
    weights = {name: np.zeros_like(weight) for name, weight in initial.items()}
    readers = set(task.noise.values())
    names = [layer.name for layer in task.layers]
    last_reader = max(names.index(name) for name in readers)
    for name in names[: last_reader + 1]:
        if name in readers:
            weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            outputs, inputs = weight.shape
            rows = np.arange(outputs)
            signs = np.where(rows // inputs % 2, -1, 1)
            weight[rows, rows % inputs] = signs
            bias[:] = np.where(signs > 0, -ABOVE, -BELOW)
    for name in names[last_reader + 1 :]:
        own = np.abs(initial[f"{name}.weight"])  # (out, in)
        gain = GAIN if name == names[-1] else 1.0
        weights[f"{name}.weight"] = gain * own / own.sum(axis=1, keepdims=True)
    weights[f"{names[last_reader + 1]}.bias"][:] = LIFT
    return weights
