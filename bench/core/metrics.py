"""Accuracy and loss from a batch's logits, computed in numpy for every framework alike."""

from __future__ import annotations

import numpy as np

from bench.core.task import Task
from bench.core.weights import Array


def count_correct(task: Task, logits: Array, labels: Array) -> int:
    """The number of rows of the logits, (N, K), that predict the right class."""
    if task.loss == "sigmoid_cross_entropy":
        return int(np.count_nonzero((logits[:, 0] > 0) == (labels[:, 0] > 0.5)))
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))


def total_loss(task: Task, logits: Array, labels: Array) -> float:
    """The sum of the examples' losses, in float64. `logits` are (N, K)."""
    z: Array = np.asarray(logits, np.float64)
    if task.loss == "sigmoid_cross_entropy":
        # log(1 + exp(-|z|)) + max(z, 0) - z * y does not overflow
        per_example: Array = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * labels
    else:
        z = z - z.max(axis=1, keepdims=True)
        label_logits = z[np.arange(len(z)), labels.astype(np.intp)]
        per_example = np.log(np.exp(z).sum(axis=1)) - label_logits
    return float(per_example.sum())
