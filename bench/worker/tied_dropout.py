"""What dropout does to each value in a network whose output is the table of its embedding.

`bench.worker.dropout_trace` reads draws off the layer behind them. In a GPT they pass sums, and one
normalization before the output: h = (z - mean) / sqrt(variance + epsilon), of each step's z. The
logits are the products of h with the rows of the table. The weights are such that

* all rows of the table are 0 but one, the lead's. Every step's token has another of them, so z is
  the step's position, and what the layers add to it;
* the position of every step is 0 in the first feature, and SIZE in all others;
* only the layer in question adds anything: SIZE, before the draw, in all features but the first,
  and all of them by one value, so that dropout in a wrong place takes or leaves a whole step;
* normalizations scale by 1.

No two steps have the same target, and none has the lead. One step of plain SGD with a learning rate
of 1 then adds h of a step, divided by the number of steps, to the row of its target. It also adds
the same vector to all rows of 0, which shows in a row that is nobody's target. So each h is known.

From h follows z. SIZE is so small that z varies about as much as epsilon, so the mean square of h,
variance / (variance + epsilon), tells what variance is. And z is 0 in the first feature, so
z = sqrt(variance + epsilon) * (h - h of the first feature).

Other layers add 0, with dropout or without. So one network shows the dropout of all of them, one
after the other, and a second one that of the positions.

The loss must be the mean of log(other rows + exp(lead h)), as all other logits are 0, and the
gradient of the weights that made the layer's values must be the one by which they moved. The update
is not clipped. The parts of the trace are those of `bench.worker.dropout_trace`, with a step in the
place of an example.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import SGD
from bench.core.readers import BatchFormat
from bench.core.split import HostBatch, Split
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.dropout_trace import OpenSession, shown
from bench.worker.summed_dropout import epsilons, normalized, normalized_backward

# So large that a rectifier and a GELU, by either formula, return it as it is.
WIDE = 8.0
# Rows that are nobody's target: the tokens', the lead's, and one to compare with.
TOKEN, LEAD, OTHER = 0, 1, 2
FREE = 3


def is_tied(task: Task) -> bool:
    """Whether the network's outputs are products with the table of its embedding."""
    return task.layers[-1].tied_to is not None


class TiedNetwork:
    """A task's network with the weights above, for the dropout behind one `layer`.

    `examples` is how many of the task's length have a target of their own for each step.
    """

    def __init__(self, task: Task, layer: str) -> None:
        assert task.length
        names = [each.name for each in task.layers]
        norms = epsilons(task)
        position = names[1]
        self._own = layer == position
        self._epsilon = list(norms.values())[-1]
        self._size = math.sqrt(2 * self._epsilon)
        self._table = f"{task.layers[-1].tied_to}.weight"

        initial = initial_weights(task, 0)
        self.weights = weights = {name: np.zeros_like(each) for name, each in initial.items()}
        for name in norms:
            weights[f"{name}.weight"] += 1
        places = weights[f"{position}.weight"]
        places[:, 1:] = self._size
        self._x = np.zeros(len(places[0])) if self._own else places[0].astype(np.float64)
        self._made = f"{position}.weight"
        if not self._own:
            before = names[: names.index(layer)]
            met = normalized(self._x[None], norms[[name for name in before if name in norms][-1]])
            makes, self._made = f"{before[-1]}.weight", f"{layer}.weight"
            if self._made not in weights:
                makes, self._made = f"{layer}.value_weight", f"{layer}.output_weight"
            weights[makes][0, 0] = WIDE / met[0, 0]
            weights[self._made][1:, 0] = self._size / WIDE
        self._others = len(weights[self._table]) - 1
        self.examples = (self._others + 1 - FREE) // task.length
        self.targets = FREE + np.arange(self.examples * task.length)
        weights[self._table][LEAD] = self._lead(initial[self._table][LEAD], task.rate(layer))

    def _lead(self, initial: Array, rate: float) -> Array:
        """The lead's row: on average its probability is 1/2, and every feature counts."""
        row: Array = initial.astype(np.float64)
        z = self._x + self._size * (np.arange(len(row)) > 0)
        variance = z.var() + self._size**2 * rate / (1 - rate)
        h = (z - z.mean()) / math.sqrt(variance + self._epsilon)
        row[0] += (math.log(self._others) - row @ h) / h[0]
        return row

    def batch(self, folder: Path, task: Task, layout: BatchFormat) -> HostBatch:
        """A batch whose steps have these targets."""
        host = Split(folder, "train", task, layout, self.examples).batch(np.arange(self.examples))
        tokens, targets = host[task.inputs[0]], host[task.updates[0].loss.target]
        tokens[:] = TOKEN
        targets[:] = self.targets.reshape(targets.shape)
        return host

    @property
    def values(self) -> int:
        """The values that a draw shows."""
        return int(len(self.targets) * (len(self._x) - 1))

    def parts(self, loss: float, updated: dict[str, Array]) -> dict[str, Array | float]:
        """The parts of the trace, of the loss and the weights of one step."""
        before = {name: weight.astype(np.float64) for name, weight in self.weights.items()}
        moved = {name: before[name] - updated[name] for name in (self._table, self._made)}
        rows = moved[self._table]
        h = (rows[OTHER] - rows[self.targets]) * len(self.targets)
        deviation = np.sqrt(self._epsilon / (1 - (h**2).mean(axis=1, keepdims=True)))
        z = deviation * (h - h[:, :1])
        m = z - self._x
        lead = before[self._table][LEAD]
        exponentials = np.exp(h @ lead)
        share = exponentials / (self._others + exponentials) / len(self.targets)
        gradient = normalized_backward(z, share[:, None] * lead, self._epsilon)
        read = (gradient * m).sum(axis=0)
        return {
            "values": m[:, 1:, None] / self._size,
            "losses": loss,
            "losses_read": float(np.log(self._others + exponentials).mean()),
            "read": read[1:],
            "moved": (before[self._made] * moved[self._made]).sum(axis=0 if self._own else 1)[1:],
        }


def tied_draws(
    open_session: OpenSession,
    task: Task,
    *,
    folder: Path,
    drawn: bool,
    say: Callable[[str], None],
) -> dict[str, Array]:
    """The parts of a trace that show all dropout before a tied output.

    Without `drawn`, only the logits. `say` is told of each layer.
    """
    position = task.layers[1].name
    added = [layer for layer in task.dropout if layer != position]
    arrays: dict[str, Array] = {}
    for layers in filter(None, ([position] if position in task.dropout else [], added)):
        single = task.with_dropout(*layers).with_optimizers(SGD(learning_rate=1.0)).without_clip()
        session = open_session(single)
        for layer in layers:
            say(f"dropout behind {layer}")
            network = TiedNetwork(task, layer)
            arrays |= shown(
                session,
                single,
                layer,
                weights=network.weights,
                host=network.batch(folder, single, session.format),
                values=network.values,
                drawn=drawn,
                parts=network.parts,
            )
        session.close()
    return arrays
