"""What dropout does to each value of a layer whose output is added to what it was made from.

`bench.worker.dropout_trace` reads draws off a chain of layers. Here they pass a sum and
normalizations first: z = x + m, where m are a layer's values behind the draw, and x is the sequence
around which they are a detour. This is for a Transformer block with its normalizations behind the
sums, a mean over the steps, a dense layer with a rectifier (the reader), and two logits. There is
one example for each of the reader's outputs, and the weights are such that

* an example is one step long, and x is SIZE, -SIZE, and 0 elsewhere but for SIZE in a feature of
  the example's own;
* what the draw meets is 0 in the first two features, and 1 in all others;
* other detours add 0, and normalizations scale by 1;
* output k of the reader sees the feature of example k alone, less 1: its rectifier lets only that
  example through;
* the second logit is the sum of the reader's outputs, and every label is the first class.

So one step of plain SGD with a learning rate of 1 takes from the weights for output k what they met
in example k, times one number. That is the normalized z: z less one number, times another. Both
follow from the first two features, in which z is known, and m is z - x.

Whether a draw is another one at each step is not seen, as there is one step alone.

With m, loss and gradients follow from the formulas. The loss must be the one that the step
returned, and the gradient of the weights that made the layer's values must be the one by which they
moved. The parts of the trace are those of `bench.worker.dropout_trace`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.optimizers import SGD
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.dropout_trace import OpenSession, shown

# Large enough that an example's own feature is by far above those that only the draw fills.
SIZE = 8.0
KNOWN = 2  # the features whose values do not depend on the draw


def is_summed(task: Task, layer: str) -> bool:
    """Whether the output of a layer is added to what it was made from."""
    return any(each.summed for each in task.layers if each.name == layer)


def epsilons(task: Task) -> dict[str, float]:
    """The epsilon of each normalization of a sequence's steps, in the network's order."""
    every = {each.name: getattr(each, "epsilon", None) for each in task.layers}
    return {name: float(epsilon) for name, epsilon in every.items() if epsilon is not None}


def normalized(x: Array, epsilon: float) -> Array:
    """Each row less its mean, over its deviation: layer normalization with a scale of 1."""
    centred = x - x.mean(axis=1, keepdims=True)
    found: Array = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return found


def normalized_backward(x: Array, gradient: Array, epsilon: float) -> Array:
    """The gradient at x, from that of what `normalized` makes of it."""
    y = normalized(x, epsilon)
    along = y * (gradient * y).mean(axis=1, keepdims=True)
    centred = gradient - gradient.mean(axis=1, keepdims=True) - along
    found: Array = centred / np.sqrt(x.var(axis=1, keepdims=True) + epsilon)
    return found


class Revealed:
    """A task's network with the weights above, for the dropout behind one `layer`."""

    def __init__(self, task: Task, layer: str) -> None:
        reader, output = (each.name for each in task.layers[-2:])
        table = task.layers[0].parameters[0]
        self._reader = f"{reader}.weight"
        self.examples = min(task.layers[-2].width, table.shape[1] - KNOWN)
        self._own = (np.arange(self.examples), KNOWN + np.arange(self.examples))

        names = [each.name for each in task.layers]
        norms = epsilons(task)
        place = names.index(layer)
        self._behind = [norms[name] for name in names[place:] if name in norms]

        zeros = {name: np.zeros_like(each) for name, each in initial_weights(task, 0).items()}
        self.weights = weights = zeros
        x = weights[table.name][: self.examples]
        x[:, 0], x[:, 1] = SIZE, -SIZE
        x[self._own] = SIZE
        self._x: Array = x.astype(np.float64)
        for name, epsilon in norms.items():
            weights[f"{name}.weight"] += 1
            if names.index(name) < place:
                self._x = normalized(self._x, epsilon)
        weights[self._reader][self._own] = 1
        weights[f"{reader}.bias"] -= 1
        weights[f"{output}.weight"][1] = 1
        self._made = f"{layer}.bias"  # the weights that make the layer's values
        if self._made not in weights:  # attention: of one step, its value is its output
            weights[f"{layer}.value_weight"][0, 0] = 1 / SIZE
            self._made = f"{layer}.output_weight"
        self._makers(weights)[KNOWN:] = 1

    def _makers(self, weights: dict[str, Array]) -> Array:
        """For each feature, the weight that makes its value."""
        made = weights[self._made]
        return made[:, 0] if made.ndim == 2 else made

    @property
    def values(self) -> int:
        """The values that a draw shows."""
        return int(self.examples * (self._x.shape[1] - KNOWN))

    def parts(self, loss: float, updated: dict[str, Array]) -> dict[str, Array | float]:
        """The parts of the trace, of the loss and the weights of one step."""
        rows = (self.weights[self._reader] - updated[self._reader]).astype(np.float64)
        rows = rows[: self.examples] - rows[: self.examples, :1]
        first, second = self._x[:, :1], self._x[:, 1:2]
        m = first + rows * (second - first) / rows[:, 1:2] - self._x
        expected, gradient = self._formula(m)
        moved = self._makers(self.weights) - self._makers(updated)
        return {
            "values": m[:, KNOWN:, None],
            "losses": loss,
            "losses_read": expected,
            "read": (gradient * m).sum(axis=0)[KNOWN:],
            "moved": moved[KNOWN:],
        }

    def _formula(self, m: Array) -> tuple[float, Array]:
        """The loss, and its gradient at z = x + m."""
        met: list[Array] = [self._x + m]
        for epsilon in self._behind:
            met.append(normalized(met[-1], epsilon))
        logits = np.maximum(met[-1][self._own] - 1, 0)
        gradient = np.zeros_like(m)
        gradient[self._own] = (logits > 0) / (1 + np.exp(-logits)) / self.examples
        for x, epsilon in zip(met[-2::-1], reversed(self._behind), strict=True):
            gradient = normalized_backward(x, gradient, epsilon)
        return float(np.log1p(np.exp(logits)).mean()), gradient


def summed_draws(
    open_session: OpenSession, task: Task, layer: str, *, folder: Path, drawn: bool
) -> dict[str, Array]:
    """The part of a trace that shows the dropout behind `layer`, whose output is added.

    Without `drawn`, only the logits.
    """
    single = task.with_length(1).with_dropout(layer).with_optimizers(SGD(learning_rate=1.0))
    revealed = Revealed(task, layer)
    session = open_session(single)
    train = Split(folder, "train", single, session.format, revealed.examples)
    host = train.batch(np.arange(revealed.examples))
    tokens, label = host[task.inputs[0]], host[task.updates[0].loss.target]
    tokens[:, 0] = np.arange(revealed.examples)
    label[:] = 0
    arrays = shown(
        session,
        single,
        layer,
        weights=revealed.weights,
        host=host,
        values=revealed.values,
        drawn=drawn,
        parts=revealed.parts,
    )
    session.close()
    return arrays
