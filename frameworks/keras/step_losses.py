"""The loss of each step of Keras's `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np


class StepLosses(keras.callbacks.Callback):
    """Keeps the losses that Keras tells after each step: the means of all steps up to it."""

    # Without this, Keras would wait for each step's loss before the next, as it does not by itself.
    async_safe = True

    def __init__(self, names: Sequence[str]) -> None:
        """The `names` are those by which Keras tells them."""
        super().__init__()
        self._names = names
        self._means: dict[int, list[float]] = {}

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called in any order, and by several threads."""
        assert logs
        self._means[batch] = [logs[name] for name in self._names]

    @property
    def each(self) -> list[tuple[Any, ...]]:
        """The losses of each step, by name."""
        means = np.array([self._means[batch] for batch in sorted(self._means)])
        steps = np.arange(1, len(means) + 1)[:, None]
        return list(map(tuple, np.diff(means * steps, prepend=0.0, axis=0)))
