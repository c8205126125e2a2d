"""Two graph convolutions in Keras."""

from typing import Any

import keras
from keras import ops

from bench.core.task import Task
from frameworks.keras.graphs import GraphConvolution
from frameworks.keras.layers import Dropout


class GCN(keras.Model):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.first = GraphConvolution(1433, 16, sparse=True, name="first")
        self.dropout = Dropout(rate, name="dropout")
        self.second = GraphConvolution(16, 7, name="second")
        self.built = True  # as its parts are

    def call(self, inputs: tuple[Any, Any]) -> tuple[Any, Any]:
        words, links = inputs
        x = ops.relu(self.first(words, links))  # (2708, 1433) -> (2708, 16)
        x = self.dropout(x)
        x = self.second(x, links)  # (2708, 7)
        penalty = 2**-12 * ops.sum(ops.square(self.first.kernel))
        return x[None], penalty[None, None]  # (1, 2708, 7), (1, 1)


def build(task: Task) -> keras.Model:
    return GCN(task.dropout["first"])
