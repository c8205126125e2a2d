"""What a dropout layer does to each value, read off from how the weights behind it are updated.

No two frameworks draw alike, so that a draw itself has to be shown. For each dropout layer a task's
network is opened with this one alone (the others' rate is 0), and with weights such that

* each value that it meets is 1 before the draw: the layer before has no weights, and biases of 1;
* the next layer, the reader, has no weights either, and biases of 1: what comes of it, and every
  slope behind it, is the same whatever is drawn (its output 0 is another matter: see below);
* from there on output k of each layer is read by output k of the next alone, in the middle of a
  map, up to the logits, of which the first is by far the largest.

The batch has one example of each class. So the logit k, from 1 on, is the concern of example k
alone, with a gradient of -1 / (examples), and one step of plain SGD at the rate 1 adds to the
reader's weights for its output k the values that they met in example k, over the number of
examples: zeros, where they were dropped.

Output 0 of the reader is there to show that the loss and the gradients meet the same draw. It reads
with weights above 0, and its logit, and with it the loss, is linear in them, or piecewise linear
where a maximum is taken on the way. So a weight times its gradient, summed over all that read a
channel, is what the channel's values add to the loss, by Euler's theorem on homogeneous functions;
and that is the gradient of the bias of 1 that made these values, too.

This is for chains of convolutions and dense layers under a softmax, each at least as wide as there
are classes. For each LAYER that is followed by dropout, the trace of `bench.worker.trace` has

* `dropout/LAYER/values`   of each draw, what the reader met: (draws, classes - 1, channels, places)
* `dropout/LAYER/losses`   what the draw added to the loss, (draws,)
* `dropout/LAYER/read`     that, by the gradients of the reader's weights, (draws, channels)
* `dropout/LAYER/bias`     and by those of the layer's biases, (draws, channels)
* `dropout/LAYER/logits`   the same network in evaluation mode, (N, K)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.core.adapter import Session
from bench.core.optimizers import SGD
from bench.core.parameters import Parameter
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import Array, initial_weights

# Builds a task's network; mode, setting and seed are those of the proof.
OpenSession = Callable[[Task], Session]

# Draws of a layer are made until they show so many values: the share that is dropped is then known
# to a thousandth. Whatever a draw shows, there are some, as a draw may depend on the one before.
VALUES = 230_000
LEAST_DRAWS = 20
# By how much the first logit is the largest: the others' probabilities are lost in rounding. What
# the draws add is about the sum of the weights above 0. Together they stay below 64, where Paddle's
# softmax on the CPU clips what it takes the exponential of.
LEAD = 30.0
SUM = 4.0


def _layers(task: Task) -> list[str]:
    """The names of the layers that are trained, from the first to the last."""
    return list(dict.fromkeys(one.name.rpartition(".")[0] for one in task.parameters))


def _weight(task: Task, layer: str) -> Parameter:
    (found,) = (one for one in task.parameters if one.name == f"{layer}.weight")
    return found


def _by_place(parameter: Parameter, array: Array) -> Array:
    """A weight by the channel and the place that it reads, (out, channels, places).

    The places of a convolution are those of its kernel, those behind a flatten those of the map.
    """
    channels = parameter.flattened[0] if parameter.flattened else parameter.shape[1]
    return array.reshape(parameter.shape[0], channels, -1)


def _middle(parameter: Parameter) -> int:
    """A place in the middle of what a weight reads."""
    sides = parameter.flattened[1:] if parameter.flattened else parameter.shape[2:]
    height, width = sides or (1, 1)
    return height // 2 * width + width // 2


def _telling(task: Task, layer: str) -> dict[str, Array]:
    """The weights that make a network show the draws behind `layer`: see the module's text."""
    initial = initial_weights(task, 0)
    weights = {name: np.zeros_like(weight) for name, weight in initial.items()}
    names = _layers(task)
    reader, *others = names[names.index(layer) + 1 :]
    weights[f"{layer}.bias"] += 1
    weights[f"{reader}.bias"] += 1
    first = np.abs(initial[f"{reader}.weight"][0])  # above 0, so that its rectifiers stay on
    weights[f"{reader}.weight"][0] = SUM * first / first.sum()
    each = np.arange(task.classes)
    for name in others:
        parameter = _weight(task, name)
        _by_place(parameter, weights[parameter.name])[each, each, _middle(parameter)] = 1
    weights[f"{names[-1]}.bias"][0] += LEAD
    return weights


def draws(open_session: OpenSession, task: Task, layer: str, *, folder: Path) -> dict[str, Array]:
    """The part of a trace that is about the dropout behind `layer`."""
    alone = replace(task.with_dropout(layer), optimizer=SGD(learning_rate=1.0))
    session = open_session(alone)
    weights = _telling(task, layer)
    names = _layers(task)
    reader = _weight(task, names[names.index(layer) + 1])
    examples = task.classes
    train = Split(folder, "train", task, session.format, examples)
    x, _ = train.batch(np.arange(examples))
    batch = session.stage(x, np.arange(examples).astype(session.format.labels))

    shown = weights[reader.name].size // reader.shape[0] * (examples - 1)
    found: dict[str, list[Array]] = {key: [] for key in ("values", "losses", "read", "bias")}
    for _ in range(max(LEAST_DRAWS, math.ceil(VALUES / shown))):
        session.load(weights)
        loss = session.numpy(session.step(batch))
        updated = session.dump()
        added = _by_place(reader, updated[reader.name] - weights[reader.name])
        first = _by_place(reader, weights[reader.name])[0]
        found["values"].append(added[1:examples] * examples)
        found["losses"].append(loss - LEAD * (examples - 1) / examples)
        found["read"].append(-(first * added[0]).sum(axis=1))
        found["bias"].append(weights[f"{layer}.bias"] - updated[f"{layer}.bias"])
    session.load(weights)
    logits = session.numpy(session.logits(batch))
    session.close()
    arrays = {"logits": logits} | {key: np.array(each) for key, each in found.items()}
    return {f"dropout/{layer}/{key}": array for key, array in arrays.items()}
