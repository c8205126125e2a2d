"""Models of a graph, which is the same in each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from bench.core.arrays import Array
from bench.core.setting import Setting
from bench.core.task import Task
from frameworks.keras.engine import ENGINE, HeldMatrix


class OnGraph(keras.Model):
    """A network with the graph that it reads: `fit` gives it the labels of each step alone.

    Keras's example of node classification keeps its graph in the model, too:
    https://keras.io/examples/graph/gnn_citations. `fit` would cut matrices into batches by rows.
    """

    def __init__(
        self, task: Task, network: keras.Model, loss: Callable[..., Any], setting: Setting
    ) -> None:
        """`loss` is of the network's outputs and the labels."""
        super().__init__()
        self.network = network
        self._loss_of = loss
        self._fields = tuple(task.fields)
        self._matrices: dict[str, HeldMatrix] = {
            name: ENGINE.held_matrix(size, task.fields[name].shape[0], setting)
            for name, size in task.matrices.items()
        }
        self._taken: dict[str, Array] = {}
        self.built = True  # as its parts are

    def take_matrices(self, batch: Sequence[Any]) -> list[Any]:
        """Hold a batch's matrices, (N, entries) each, and return the rest of it.

        Those of all examples are the same.
        """
        named = dict(zip(self._fields, batch, strict=True))
        for name, matrix in self._matrices.items():
            entries, taken = named.pop(name), self._taken.get(name)
            if taken is None or (entries is not taken and not np.array_equal(entries[0], taken[0])):
                matrix.take(entries[0])
            self._taken[name] = entries
        return list(named.values())

    def call(self, labels: Any, training: bool | None = None) -> Any:
        matrices = [matrix.native for matrix in self._matrices.values()]
        return self.network(matrices, training=training)

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
        return self._loss_of(*outputs, x)
