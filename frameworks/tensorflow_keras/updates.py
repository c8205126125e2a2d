"""The updates of a step: gradients by TensorFlow, applied by Keras's optimizers."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from bench.core.arrays import Array
from bench.core.optimizers import Optimizer
from bench.core.setting import Precision
from frameworks.keras.optimizer_state import state_of
from frameworks.keras.precision import scaled
from frameworks.tensorflow_keras.optimizers import make_optimizer
from frameworks.tensorflow_keras.precision import unscaled


class UpdateStep:
    """One of the task's updates: its loss, and the optimizer of the variables that it moves."""

    def __init__(
        self,
        loss: Callable[..., tf.Tensor],
        settings: Optimizer,
        *,
        variables: list[keras.Variable],
        spared: list[keras.Variable],
        clip: float | None,
        precision: Precision,
    ) -> None:
        """`spared` variables do not decay, and `clip` is as in the task's update."""
        self.variables = variables
        self._loss = loss
        self._inner = make_optimizer(settings, clip=clip)
        if spared:
            self._inner.exclude_from_weight_decay(var_list=spared)
        self._optimizer = scaled(precision, self._inner)
        # Built now, because a tf.function must not create variables in its second trace.
        self._optimizer.build(variables)
        self._initial = [variable.numpy() for variable in self._optimizer.variables]

    def reset(self) -> None:
        """Set the optimizer to its initial state."""
        # In place, because a compiled step refers to these variables.
        for variable, initial in zip(self._optimizer.variables, self._initial, strict=True):
            variable.assign(initial.copy())

    def state(self, name: str, variable: keras.Variable) -> Array:
        """The optimizer's state of a variable, by the task's name."""
        return state_of(self._inner, name, variable)

    def apply(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Make the update. Returns the batch's mean loss."""
        loss, gradients = self._loss_and_gradients(batch)
        self._optimizer.apply(gradients)
        return loss

    def gradients(self, batch: tuple[tf.Tensor, ...]) -> list[tf.Tensor]:
        """The gradients of the batch's mean loss, in the order of `variables`."""
        return unscaled(self._loss_and_gradients(batch)[1], self._optimizer)

    def _loss_and_gradients(
        self, batch: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss = self._loss(*batch)
            to_propagate = self._optimizer.scale_loss(loss)
        gradients = tape.gradient(to_propagate, self.variables)
        # An embedding's gradient comes as IndexedSlices with a row for each token: rows of the same
        # token must be summed before Adam squares them.
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]
