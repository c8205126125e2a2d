"""Keras's optimizers with the task's update formula, on every backend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import keras
import numpy as np
from keras import ops

from bench.core import optimizers as formulas
from frameworks.keras.engine import ENGINE


def on_backend(kind: type[keras.optimizers.Optimizer]) -> Any:
    """The class of Keras's optimizer on this backend: on PyTorch it updates all variables at once.

    Nothing is made for it, as TensorFlow's threads can't be set once it has a variable.
    """
    return type(kind.__new__(kind))


BackendSGD = on_backend(keras.optimizers.SGD)
BackendAdam = on_backend(keras.optimizers.Adam)
BackendAdamW = on_backend(keras.optimizers.AdamW)


def constant(value: float) -> Any:
    """A number as a tensor. Not from Python's float, which TensorFlow takes through float32."""
    return ops.cast(np.float64(value), keras.config.floatx())


class DenseGradients:
    """Sums the rows of an embedding's gradient that are of the same token, before the update.

    Otherwise Adam squares each of them, and clipping counts each of them.
    """

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        dense = [None if gradient is None else ENGINE.dense(gradient) for gradient in grads]
        super().apply(dense, trainable_variables)  # type: ignore[misc]


class BiasCorrected(DenseGradients):
    """Adam with epsilon outside the bias correction.

    Keras adds epsilon to sqrt(v), not to sqrt(v_hat). The two agree if it is given
    epsilon * sqrt(1 - beta2**t). All else is Keras's own update.
    """

    def build(self, variables: Sequence[keras.Variable]) -> None:
        super().build(variables)  # type: ignore[misc]
        adam: Any = self
        values = {
            "log_beta_1": math.log(adam.beta_1),
            "log_beta_2": math.log(adam.beta_2),
            "rest_1": 1 - adam.beta_1,
            "rest_2": 1 - adam.beta_2,
            "epsilon": adam.epsilon,
        }
        tensors = {name: constant(value) for name, value in values.items()}
        self._constants = SimpleNamespace(**tensors)

    def _corrected(self, learning_rate: Any) -> tuple[Any, Any]:
        """Of a step, the rate over the correction of m, and the root of the correction of v."""
        adam, own = cast(Any, self), self._constants
        step = ops.cast(adam.iterations + 1, keras.config.floatx())
        # 1 - beta**t by way of the logarithm: in float32 the power would leave 1e-5 of it wrong.
        first, second = -ops.expm1(step * own.log_beta_1), -ops.expm1(step * own.log_beta_2)
        return ops.cast(learning_rate, keras.config.floatx()) / first, ops.sqrt(second)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """The update of one variable."""
        adam, own = cast(Any, self), self._constants
        rate, root = self._corrected(learning_rate)
        index = adam._get_variable_index(variable)
        mean, square = adam._momentums[index], adam._velocities[index]
        gradient = ops.cast(gradient, keras.config.floatx())
        adam.assign_add(mean, ops.subtract(gradient, mean) * own.rest_1)
        adam.assign_add(square, ops.subtract(ops.square(gradient), square) * own.rest_2)
        change = ops.multiply(mean, rate * root) / (ops.sqrt(square) + own.epsilon * root)
        adam.assign_sub(variable, change)

    def _parallel_update_step(
        self, grads: Sequence[Any], variables: Sequence[keras.Variable], learning_rate: Any
    ) -> None:
        """The update of all variables at once, on PyTorch."""
        adam: Any = self
        rate, root = self._corrected(learning_rate)
        indices = [adam._get_variable_index(variable) for variable in variables]
        ENGINE.update_all(
            [variable.value for variable in variables],
            [adam._momentums[index].value for index in indices],
            [adam._velocities[index].value for index in indices],
            grads,
            betas=(adam.beta_1, adam.beta_2),
            epsilon=adam.epsilon,
            rate=rate,
            root=root,
        )


class SGD(DenseGradients, BackendSGD):
    """Keras's own."""


class Adam(BiasCorrected, BackendAdam):
    """Keras's own, but for the place of epsilon."""


class AdamW(BiasCorrected, BackendAdamW):
    """Keras's decay before the same update: what is excluded from it, and clipping, are Keras's."""


def number(value: float) -> float:
    """For TensorFlow NumPy's float, as it takes Python's through float32; for others Python's."""
    return np.float64(value) if keras.backend.backend() == "tensorflow" else value


def sgd(settings: formulas.SGD, clip: float | None) -> SGD:
    momentum = number(settings.momentum)
    return SGD(settings.learning_rate, momentum=momentum, global_clipnorm=clip)


def adam(settings: formulas.Adam, clip: float | None) -> Adam:
    return Adam(
        settings.learning_rate,
        beta_1=settings.beta1,
        beta_2=settings.beta2,
        epsilon=settings.epsilon,
        global_clipnorm=clip,
    )


def adamw(settings: formulas.AdamW, clip: float | None) -> AdamW:
    return AdamW(
        settings.learning_rate,
        weight_decay=number(settings.decay),
        beta_1=settings.beta1,
        beta_2=settings.beta2,
        epsilon=settings.epsilon,
        global_clipnorm=clip,
    )


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}


def make_optimizer(
    settings: formulas.Optimizer, *, clip: float | None, spared: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
    """The task's optimizer; `clip` is as in the task's update, and `spared` ones do not decay."""
    optimizer = MAKERS[settings.kind](settings, clip)
    if spared:
        optimizer.exclude_from_weight_decay(var_list=list(spared))
    return optimizer
