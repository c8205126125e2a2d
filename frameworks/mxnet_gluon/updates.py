"""The updates of a step: a batch's losses in one block, and the trainer that applies gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mxnet import gluon
from mxnet.ndarray import NDArray

from frameworks.mxnet_gluon.optimizers import clip_gradients


class Objective(gluon.HybridBlock):
    """A batch's losses: one block, so that network and loss are compiled into one graph."""

    def __init__(self, model: gluon.HybridBlock, losses_of: Callable[..., Any]) -> None:
        super().__init__()
        self.model = model  # a child, so that its parameters are found
        self._losses_of = losses_of

    def hybrid_forward(self, F: Any, *batch: Any) -> Any:  # noqa: N803
        return self._losses_of(*batch)  # (N,)


class UpdateStep:
    """One of the task's updates: its losses, and the trainer of the weights that it moves."""

    def __init__(
        self, losses_of: Callable[..., NDArray], trainer: gluon.Trainer, *, clip: float | None
    ) -> None:
        self.losses_of = losses_of
        self.trainer = trainer
        self._clip = clip

    def apply(self, examples: int) -> None:
        """Make the update from gradients of the sum over so many examples."""
        if self._clip is not None:
            # The gradients of the sum, with the loss's scale in them, if it has one.
            clip_gradients(self.trainer, self._clip * examples / self.trainer._scale)
        self.trainer.step(examples)
