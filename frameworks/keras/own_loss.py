"""Models whose losses are those of their network's own file.

Their input is a whole batch, one tensor or a list of them; there is no target beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from keras import ops

from bench.core.setting import Precision
from bench.core.task import Task
from frameworks.keras.engine import ENGINE
from frameworks.keras.precision import Forward

Loss = Callable[[Any, Mapping[str, Any]], Any]  # of a network and a batch


class OfBatches(keras.Model):
    """A network that is given whole batches."""

    def __init__(self, task: Task, network: keras.Model) -> None:
        super().__init__()
        self.network = network
        self._inputs_in_order = task.inputs
        self._names = {len(names): names for names in (task.data, tuple(task.fields))}

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        batch = self.named(inputs)
        given = [batch.get(name) for name in self._inputs_in_order]
        return self.network(given, training=training)

    def named(self, batch: Any) -> dict[str, Any]:
        """A batch's tensors by the names of the task's fields."""
        tensors = batch if isinstance(batch, (list, tuple)) else [batch]
        return dict(zip(self._names[len(tensors)], tensors, strict=True))


class OwnLoss(OfBatches):
    """A network with a loss of its own, by the method that Keras has for that."""

    def __init__(self, task: Task, network: keras.Model, loss: Loss) -> None:
        super().__init__(task, network)
        self._loss_of = loss

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        # In mixed precision, outputs are of fewer bits.
        outputs = [ops.cast(output, keras.config.floatx()) for output in y_pred]
        return self._loss_of(lambda *inputs: outputs, self.named(x))


@dataclass(frozen=True, kw_only=True)
class OwnUpdate:
    """One of the updates of a step: its loss, and the optimizer of the variables that it moves."""

    name: str
    loss: Loss
    optimizer: keras.optimizers.Optimizer
    variables: Sequence[keras.Variable]


class OwnStep(OfBatches):
    """A network that makes several updates in a step, by a `train_step` of its own.

    Keras's guides write one for adversarial networks. What it tells of each update is the mean of
    its losses, as of a single loss.
    """

    def __init__(
        self,
        task: Task,
        network: keras.Model,
        updates: Sequence[OwnUpdate],
        precision: Precision,
    ) -> None:
        super().__init__(task, network)
        self._updates = updates
        self._means = [keras.metrics.Mean(name=update.name) for update in updates]
        self._forward = Forward(network, precision, training=True)
        self.built = True

    def losses_of(self, x: Any) -> list[Callable[[], Any]]:
        """What works out each update's loss of a batch."""
        batch = self.named(x)
        return [partial(update.loss, self._forward, batch) for update in self._updates]

    def train_step(self, data: Any) -> dict[str, Any]:
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = self.losses_of(x)
        for update, loss_of, mean in zip(self._updates, losses, self._means, strict=True):
            loss = ENGINE.update(self, loss_of, update.optimizer, update.variables)
            mean.update_state(loss)
        return {mean.name: mean.result() for mean in self._means}
