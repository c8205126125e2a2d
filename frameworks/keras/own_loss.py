"""A model whose loss is that of its network's own file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from bench.core.task import Task


class OwnLoss(keras.Model):
    """A network with a loss of its own, by the method that Keras has for that.

    Its input is a whole batch, one tensor or a list of them; there is no target beside it.
    """

    def __init__(self, task: Task, network: keras.Model, loss: Callable[..., Any]) -> None:
        """`loss` is the function of the network's file."""
        super().__init__()
        self.network = network
        self._inputs_in_order = task.inputs
        self._names = {len(names): names for names in (task.data, tuple(task.fields))}
        self._loss_of = loss

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        batch = self._named(inputs)
        given = [batch.get(name) for name in self._inputs_in_order]
        return self.network(given, training=training)

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
        return self._loss_of(lambda *inputs: outputs, self._named(x))

    def _named(self, batch: Any) -> dict[str, Any]:
        tensors = batch if isinstance(batch, (list, tuple)) else [batch]
        return dict(zip(self._names[len(tensors)], tensors, strict=True))
