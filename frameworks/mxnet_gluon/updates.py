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


class CompiledLosses:
    """A batch's losses, compiled: a block for each number of tensors, as it takes no other.

    A batch has a tensor less where a network draws its own noise.
    """

    def __init__(self, make: Callable[[], Objective]) -> None:
        """`make` makes a block that is not compiled yet."""
        self._make = make
        self._blocks: dict[int, Objective] = {}

    def __call__(self, *batch: NDArray) -> NDArray:
        if len(batch) not in self._blocks:
            self._blocks[len(batch)] = self._make()
        return self._blocks[len(batch)](*batch)

    @property
    def programs(self) -> int:
        """How many of its blocks have been compiled."""
        return sum(block._cached_op is not None for block in self._blocks.values())


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
