"""What a dropout layer does to each value, read off from the update of the weights behind it.

No two frameworks draw the same values, so the draw itself has to be made visible. For each
dropout layer, the task's network is opened with only this layer active (the others' rates are 0),
and with weights such that

* each value that dropout meets is 1 before the draw: the layer before has weights of 0 and biases
  of 1;
* the layer behind, the reader, has weights of 0 and biases of 1 as well: its outputs, and every
  slope behind them, do not depend on the draw (output 0 is an exception: see below);
* from there on, output k of each layer is read only by output k of the next, in the middle of a
  map, up to the logits, of which the first is by far the largest.

The batch has one example of each class. So only example k has a gradient at logit k, for k from 1,
and that is -1 / (examples). One step of plain SGD with a learning rate of 1 then adds to the
reader's weights for output k the values that they met in example k, divided by the number of
examples. Dropped values are 0.

Output 0 of the reader shows that loss and gradients meet the same draw. Its weights are above 0,
and its logit, and with it the loss, is linear in them, or piecewise linear if a maximum is taken on
the way. So a weight times its gradient, summed over all weights that read a channel, is what the
channel's values add to the loss, by Euler's theorem on homogeneous functions. The gradient of the
bias of 1 that made these values must be the same.

This works for chains of convolutions and dense layers under a softmax, each at least as wide as
there are classes. Of a graph there is one labelled node of each class in place of an example, and
the links are such that it sees itself alone. Where a layer's output is added to something,
`bench.worker.summed_dropout` does the same. For each LAYER that is followed by dropout, the trace
of `bench.worker.trace` has

* `dropout/LAYER/values`  what the reader met in each draw: (draws, classes - 1, channels, places)
* `dropout/LAYER/losses`  what the draw added to the loss: (draws,)
* `dropout/LAYER/losses_read`  the same by what the reader met: (draws,)
* `dropout/LAYER/read`  each channel's part of it: (draws, channels)
* `dropout/LAYER/moved`  the same by the gradients of the layer's biases: (draws, channels)
* `dropout/LAYER/logits`  the same network's logits in evaluation mode: (N, K)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bench.core.adapter import Session
from bench.core.arrays import Array
from bench.core.optimizers import SGD
from bench.core.parameters import Parameter
from bench.core.split import HostBatch, Split, unlabelled
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.evaluation import outputs

# Builds a task's network; mode, setting and seed are those of the proof.
OpenSession = Callable[[Task], Session]

# A layer's draws are repeated until they show this many values, so that the dropped share is known
# to a thousandth, or until there are many: of two classes, a draw shows one example. There are
# at least a few draws, however many values each of them shows, because a draw may depend on the
# previous one.
VALUES = 230_000
LEAST_DRAWS = 20
MOST_DRAWS = 100
# LEAD is by how much the first logit exceeds the others, so that their probabilities vanish in
# rounding. The draws add about SUM, that of the weights above 0. Together they stay below 64, where
# Paddle's softmax on the CPU clips the arguments of its exponentials.
LEAD = 30.0
SUM = 4.0
# What each draw adds to the trace.
PARTS = ("values", "losses", "losses_read", "read", "moved")


def draws_for(values: int) -> int:
    """How many draws are made if each shows so many values."""
    return min(max(LEAST_DRAWS, math.ceil(VALUES / values)), MOST_DRAWS)


def _layers(task: Task) -> list[str]:
    """The names of the trained layers, from the first to the last."""
    return list(dict.fromkeys(parameter.layer for parameter in task.parameters))


def _weight(task: Task, layer: str) -> Parameter:
    (weight,) = (p for p in task.parameters if p.name == f"{layer}.weight")
    return weight


def _by_place(parameter: Parameter, array: Array) -> Array:
    """A weight by the channel and the place that it reads, (out, channels, places).

    Places are those of a convolution's kernel, or of the feature map that was flattened.
    """
    channels = parameter.flattened[0] if parameter.flattened else parameter.shape[1]
    return array.reshape(parameter.shape[0], channels, -1)


def _middle(parameter: Parameter) -> int:
    """A place in the middle of what a weight reads."""
    sides = parameter.flattened[1:] if parameter.flattened else parameter.shape[2:]
    height, width = sides or (1, 1)
    return height // 2 * width + width // 2


def _classes(task: Task) -> int:
    """The number of logits: one for each class."""
    return task.layers[-1].width


def _revealing_weights(task: Task, layer: str) -> dict[str, Array]:
    """Weights with which a network shows the draws behind `layer`: see the module's text."""
    initial = initial_weights(task, 0)
    weights = {name: np.zeros_like(weight) for name, weight in initial.items()}
    names = _layers(task)
    reader, *behind = names[names.index(layer) + 1 :]
    weights[f"{layer}.bias"] += 1
    weights[f"{reader}.bias"] += 1
    first = np.abs(initial[f"{reader}.weight"][0])  # above 0, so that the rectifier stays on
    weights[f"{reader}.weight"][0] = SUM * first / first.sum()
    outputs = np.arange(_classes(task))
    for name in behind:
        parameter = _weight(task, name)
        _by_place(parameter, weights[parameter.name])[outputs, outputs, _middle(parameter)] = 1
    weights[f"{names[-1]}.bias"][0] += LEAD
    return weights


def draws(
    open_session: OpenSession, task: Task, layer: str, *, folder: Path, drawn: bool
) -> dict[str, Array]:
    """The part of a trace that shows the dropout behind `layer`; without `drawn`, the logits."""
    single = task.with_dropout(layer).with_optimizers(SGD(learning_rate=1.0))
    session = open_session(single)
    weights = _revealing_weights(task, layer)
    names = _layers(task)
    reader = _weight(task, names[names.index(layer) + 1])
    classes = _classes(task)
    examples = 1 if task.whole else classes
    train = Split(folder, "train", task, session.format, examples)
    host = {
        name: task.fields[name].of_each_class(array, classes)
        for name, array in train.batch(np.arange(examples)).items()
    }

    def parts(loss: float, updated: Mapping[str, Array]) -> dict[str, Array | float]:
        added = _by_place(reader, updated[reader.name] - weights[reader.name])
        first = _by_place(reader, weights[reader.name])[0]
        read = -(first * added[0]).sum(axis=1)
        return {
            "values": added[1:classes] * classes,
            "losses": loss - LEAD * (classes - 1) / classes,
            "losses_read": read.sum(),
            "read": read,
            "moved": weights[f"{layer}.bias"] - updated[f"{layer}.bias"],
        }

    values = weights[reader.name].size // reader.shape[0] * (classes - 1)
    arrays = shown(
        session,
        single,
        layer,
        weights=weights,
        host=host,
        values=values,
        drawn=drawn,
        parts=parts,
    )
    session.close()
    return arrays


def shown(
    session: Session,
    task: Task,
    layer: str,
    *,
    weights: Mapping[str, Array],
    host: HostBatch,
    values: int,
    drawn: bool,
    parts: Callable[[float, dict[str, Array]], Mapping[str, Array | float]],
) -> dict[str, Array]:
    """The arrays above, from steps with `weights` on one batch; the logits alone if not `drawn`.

    `parts` makes those of a draw, of which each shows so many `values`, from the loss of its step
    and the weights that the step left.
    """
    every, count = [], draws_for(values) if drawn else 0
    if count:
        batch = session.stage(host)
        session.load(weights)
        session.step(batch)
        session.outputs(batch)  # dropout must be on again in the steps after an evaluation
    for _ in range(count):
        session.load(weights)
        (loss,) = map(session.numpy, session.step(batch))
        every.append(parts(float(loss), session.dump()))
    session.load(weights)
    evaluated = outputs(session, unlabelled(task, host))
    arrays = {"logits": evaluated[task.updates[0].loss.output]}
    if every:
        arrays |= {key: np.array([one[key] for one in every]) for key in PARTS}
    return {f"dropout/{layer}/{key}": array for key, array in arrays.items()}
